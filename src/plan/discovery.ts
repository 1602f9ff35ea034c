// What the rows of Resource Graph say of recorded members that are settled and therefore not looked at
// otherwise: deleted, stopped, failed, re-attached or stripped of their tags by hand. Rows lag, so a
// difference is only ever a reason to look at the resource itself.
import type { PoolInstance } from '../api/pool-instance.ts';
import type { PoolVolume } from '../api/pool-volume.ts';
import { memberTags, type TagStatus } from './member.ts';

/** One row of Resource Graph, its id lower-cased. */
export interface DiscoveryRow {
  readonly id: string;
  readonly kind: 'instance' | 'volume' | 'snapshot' | 'networkInterface';
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly provisioningState?: string;
  readonly powerState?: string;
  readonly managedBy?: string;
  readonly timeCreated?: string;
}

/** What a pool's plan needs to know of the looks at its subscription. */
export interface PoolDiscovery {
  /** `pending`: no look has ended since this process leads. */
  readonly state: 'pending' | 'complete' | 'incomplete';
  /** True once any look was complete: only then is it known which members have no record. */
  readonly wasComplete: boolean;
  /** The code of what went wrong with the last one. */
  readonly error?: string;
  /** Members that exist and have no record: their slots are theirs until they are adopted. */
  readonly missing: readonly { readonly uid: string; readonly ordinal: number | undefined }[];
}

type Member = PoolInstance | PoolVolume;

export interface DriftInput {
  readonly members: readonly Member[];
  /** The row of a member's resource, by lower-cased id. */
  readonly row: (id: string) => DiscoveryRow | undefined;
  /** How many complete passes in a row, this one included, a member's resource was missing from. */
  readonly missedPasses: (uid: string) => number;
  readonly installation: string;
  /** Free VMs of this pool are meant to run while they wait. */
  readonly waitsRunning: (instance: PoolInstance) => boolean;
  /** Younger changes than this need not show yet. */
  readonly lagMilliseconds: number;
}

export interface Doubt {
  readonly member: Member;
  readonly because: string;
}

const SETTLED: Readonly<Record<string, TagStatus>> = {
  Free: 'free',
  Claimed: 'connected',
  Attached: 'attached',
  Retained: 'retained',
};

/** What the operator itself never changes without a change of phase. */
const WATCHED_TAGS = ['installation', 'role', 'status', 'pool', 'pool-namespace', 'uid'];
const CLAIM_TAG = 'poolkeeper:claim-uid';
const MISSED_PASSES = 2;

export function findDrift(input: DriftInput, now: number): Doubt[] {
  return input.members.flatMap((member) => {
    const because = isSettled(member, now - input.lagMilliseconds) && differs(member, input);
    return because ? [{ member, because }] : [];
  });
}

/** True when nothing of ours is under way at it and its last change must have shown by now. */
export function isSettled({ metadata, status }: Member, before: number): boolean {
  if (!status?.azure || SETTLED[status.phase] === undefined) return false;
  if (metadata.deletionTimestamp !== undefined || status.operation !== undefined) return false;
  const changedAt = status.history[0]?.time;
  return changedAt === undefined || Date.parse(changedAt) <= before;
}

function differs(member: Member, input: DriftInput): string | undefined {
  const { status, metadata } = member;
  const id = status!.azure!.resourceId.toLowerCase();
  const row = input.row(id);
  if (!row) {
    const passes = input.missedPasses(metadata.uid);
    // Azure takes spot machines back without a word: one look at the machine itself is cheap.
    const isSpot = 'priority' in member.spec && member.spec.priority === 'Spot';
    return passes >= (isSpot ? 1 : MISSED_PASSES)
      ? `missing from ${passes} looks in a row`
      : undefined;
  }
  if (row.provisioningState === 'Failed') return 'its provisioning state is Failed';
  const tag = differingTag(member, row, input.installation);
  if (tag) return `its tag ${tag} is not ours`;
  if (member.kind === 'PoolInstance') return machineDiffers(member as PoolInstance, row, input);
  return diskDiffers(member as PoolVolume, row);
}

function machineDiffers(
  instance: PoolInstance,
  { powerState }: DiscoveryRow,
  { waitsRunning }: DriftInput,
): string | undefined {
  const { spec, status } = instance;
  if (status?.phase === 'Claimed' && spec.priority === 'Spot') {
    return powerState === 'deallocated' ? 'it is deallocated' : undefined;
  }
  if (status?.phase !== 'Free' || powerState === undefined) return undefined;
  const isOff = powerState !== 'running' && powerState !== 'starting';
  return isOff && waitsRunning(instance) ? `it is ${powerState}` : undefined;
}

function diskDiffers({ status }: PoolVolume, { managedBy }: DiscoveryRow): string | undefined {
  if (status?.phase === 'Attached') return managedBy ? undefined : 'it is attached to nothing';
  return managedBy ? `it is attached to ${managedBy.split('/').at(-1)}` : undefined;
}

function differingTag(
  member: Member,
  { tags }: DiscoveryRow,
  installation: string,
): string | undefined {
  const { spec, status } = member;
  const word = SETTLED[status!.phase]!;
  const claim = spec.claimRef ?? (word === 'retained' ? spec.lastClaimRef : undefined);
  const wanted = memberTags(member, installation, word, claim);
  const present = new Map(Object.entries(tags).map(([name, value]) => [name.toLowerCase(), value]));
  const names = [...WATCHED_TAGS.map((name) => `poolkeeper:${name}`), CLAIM_TAG];
  return names.find((name) => (present.get(name) ?? '') !== wanted[name]);
}
