// How a pool goes: what nobody uses is deleted; what somebody does is waited for (Block) or let go of
// (Orphan), and the pool says which.
import { childrenFinalizer } from '../api/names.ts';
import type { ObjectMeta } from '../api/object.ts';
import type { PoolStep } from './pool.ts';
import { type Member, ownMembers, roleOf } from './pool-roles.ts';

interface DeletionInput {
  readonly metadata: ObjectMeta;
  readonly members: readonly Member[];
  readonly deletionPolicy: 'Block' | 'Orphan';
}

interface DeletionDecision {
  readonly steps: readonly PoolStep[];
  readonly deletion: { readonly message: string };
}

export function decideDeletion(input: DeletionInput): DeletionDecision {
  const { metadata, deletionPolicy } = input;
  const members = ownMembers(input);
  if (members.length === 0) {
    const held = metadata.finalizers?.includes(childrenFinalizer);
    return {
      steps: held ? [{ type: 'releasePool' }] : [],
      deletion: { message: 'nothing is left' },
    };
  }
  const inUse = members.filter((member) => isInUse(member, deletionPolicy));
  const leaving = deletionPolicy === 'Orphan' ? inUse.filter(mayBeLetGo) : [];
  const awaited = inUse.filter(
    (member) => !leaving.includes(member) && member.metadata.deletionTimestamp === undefined,
  );
  const steps: PoolStep[] = [
    ...members
      .filter(
        (member) => !inUse.includes(member) && member.metadata.deletionTimestamp === undefined,
      )
      .map(retirement),
    ...leaving
      .filter(({ spec }) => spec.orphan === undefined)
      .map((member) => ({ type: 'orphanMember' as const, member })),
  ];
  return {
    steps,
    deletion: { message: describe(members.length, awaited, leaving, deletionPolicy) },
  };
}

/** Held by a claim, or kept with somebody's bytes. One that waits attached for a claim is nobody's yet. */
function isInUse(member: Member, policy: DeletionInput['deletionPolicy']): boolean {
  if (isPrewarmed(member)) return false;
  return (
    member.spec.orphan !== undefined ||
    ['claimed', 'releasing', 'retained'].includes(roleOf(member)) ||
    // Set aside with a claim's name on it: somebody may want it back.
    (policy === 'Orphan' &&
      roleOf(member) === 'quarantined' &&
      member.spec.lastClaimRef !== undefined)
  );
}

/** Attached ahead of time, and of no claim. */
function isPrewarmed({ spec }: Member): boolean {
  const isHeld = 'instanceRef' in spec && spec.instanceRef !== undefined;
  return isHeld && spec.claimRef === undefined && spec.lastClaimRef === undefined;
}

/** A release that is under way is brought to its end first: nothing is half detached. */
function mayBeLetGo(member: Member): boolean {
  return member.spec.orphan !== undefined || roleOf(member) !== 'releasing';
}

function describe(
  total: number,
  awaited: readonly Member[],
  leaving: readonly Member[],
  policy: DeletionInput['deletionPolicy'],
): string {
  const parts: string[] = [];
  if (leaving.length > 0) {
    parts.push(
      `lets go of ${leaving.length} members in use, which stay in Azure: ${listed(leaving)}`,
    );
  }
  if (awaited.length > 0) {
    const advice =
      policy === 'Orphan' ? 'their release ends first' : 'release their claims or delete them';
    parts.push(`waits while ${awaited.length} members are in use: ${listed(awaited)}; ${advice}`);
  }
  const going = total - awaited.length - leaving.length;
  if (parts.length === 0) return `waits for ${going} members to be deleted`;
  return parts.join('; ');
}

export function retirement({ metadata: { name, uid, resourceVersion } }: Member): PoolStep {
  return { type: 'retireMember', name, uid, resourceVersion };
}

function listed(members: readonly Member[]): string {
  const names = members.slice(0, 5).map(({ metadata: { name } }) => name);
  return members.length > 5 ? `${names.join(', ')} and others` : names.join(', ');
}
