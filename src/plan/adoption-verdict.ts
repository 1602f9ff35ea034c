// What a found VM or disk is: free, bound to a claim, kept for a former claim, or unproven. A chain of
// questions, the surest evidence first.
import { findCondition } from '../api/conditions.ts';
import type { InstanceClaim } from '../api/instance-claim.ts';
import type { ObjectMeta } from '../api/object.ts';
import type { PoolInstance } from '../api/pool-instance.ts';
import type { PoolVolume } from '../api/pool-volume.ts';
import type { ClaimReference, UidReference } from '../api/status.ts';
import type { StoragePool } from '../api/storage-pool.ts';
import type { FoundTags } from './adoption-tags.ts';

export interface Verdict {
  readonly claimRef?: ClaimReference;
  /** It was used by this claim: never to be handed out as fresh. */
  readonly lastClaimRef?: ClaimReference;
  /** Why it is set aside; absent when its state is proven. */
  readonly quarantine?: string;
  readonly because: string;
}

export interface VolumeVerdict extends Verdict {
  /** The instance that holds it, or is to hold it again. */
  readonly holder?: UidReference;
  /** The node whose VM has it, for a StoragePool. */
  readonly node?: { readonly name: string; readonly machineId: string };
}

export interface Evidence {
  readonly pool: { readonly metadata: ObjectMeta };
  /** What the tags say of all that was found of this pool. */
  readonly siblings: readonly FoundTags[];
  readonly claims: readonly InstanceClaim[];
  /** The name of a claim that a member of the pool is in use by, going by its tags, and that does not exist. */
  readonly lostClaim?: string | undefined;
  readonly instances: readonly PoolInstance[];
  readonly volumes: readonly PoolVolume[];
  readonly storagePools?: readonly StoragePool[];
}

interface Found {
  readonly id: string;
  readonly managedBy?: string;
}

export function judgeInstance(found: Found, tags: FoundTags, evidence: Evidence): Verdict {
  const { claims, instances } = evidence;
  const told = claims.filter(({ metadata, spec, status }) => {
    const inPool = metadata.namespace === tags.poolNamespace;
    const asks = spec.instancePoolRef.name === tags.pool;
    return inPool && asks && !isSpent(status) && isSame(status?.instance, found, tags);
  });
  const [teller, another] = told;
  if (teller && another) return aside(tags, 'more than one claim says that it owns it');
  if (teller) {
    return isBound(instances, teller)
      ? aside(tags, `claim ${teller.metadata.name} says that it owns it, but owns another`)
      : bound(teller, 'its status says so');
  }
  if (tags.claim) {
    const claim = claims.find(({ metadata }) => metadata.uid === tags.claim?.uid);
    if (!claim) return aside(tags, `claim ${tags.claim.name} of its tags does not exist`);
    // Bound in the very moment its record was lost: the tags are the first to know.
    const unsaid = claim.status?.instance === undefined && !isSpent(claim.status);
    if (unsaid && !isBound(instances, claim)) return bound(claim, 'its tags say so');
    return aside(tags, `claim ${tags.claim.name} of its tags does not own it`);
  }
  return judgeFree(tags, evidence, ['free', 'creating']);
}

/** Undefined: not to be judged yet, because what holds it has no record yet. */
export function judgeVolume(
  found: Found,
  tags: FoundTags,
  evidence: Evidence,
): VolumeVerdict | undefined {
  const { claims, instances } = evidence;
  const leased = judgeLeased(found, tags, evidence);
  if (leased) return leased;
  const told = claims.filter(({ metadata, status }) => {
    const inNamespace = metadata.namespace === tags.poolNamespace;
    return inNamespace && !isSpent(status) && isSame(status?.volume, found, tags);
  });
  const [teller, another] = told;
  if (teller && another) return aside(tags, 'more than one claim says that it owns it');
  if (found.managedBy !== undefined) {
    const holder = instances.find((instance) => resourceOf(instance) === found.managedBy);
    if (holder) return judgeAttached(tags, holder, teller, evidence);
    const machine = found.managedBy.split('/').at(-1) ?? '';
    // One of ours by its name: its record comes first.
    if (machine.startsWith('pkvm-')) return undefined;
    return aside(tags, `it is attached to ${machine}, which is not ours`);
  }
  const claim = teller ?? claims.find(({ metadata }) => metadata.uid === tags.claim?.uid);
  const owner = claim && instances.find(({ spec }) => spec.claimRef?.uid === claim.metadata.uid);
  const isOwn = claim && (teller !== undefined || claim.status?.volume === undefined);
  if (isOwn && owner && !isBound(evidence.volumes, claim)) {
    return { ...bound(claim, 'and is attached again'), holder: referenceTo(owner) };
  }
  if (tags.status === 'retained' && tags.claim && !teller) {
    const because = `released by claim ${tags.claim.name}`;
    return { lastClaimRef: tags.claim, because };
  }
  if (claim) return aside(tags, `claim ${claim.metadata.name} does not hold it`, refer(claim));
  if (tags.claim) return aside(tags, `claim ${tags.claim.name} of its tags does not exist`);
  return judgeFree(tags, evidence, ['free', 'creating', 'attached']);
}

/** A StoragePool's status says that it has the disk, or the tags say so in its stead. */
function judgeLeased(
  found: Found,
  tags: FoundTags,
  { storagePools = [] }: Evidence,
): VolumeVerdict | undefined {
  if (found.managedBy === undefined || tags.status === 'retained') return undefined;
  const pool = storagePools.find(({ metadata, status }) => {
    const isTold = status?.volumes.some((one) => isSame(one, found, tags)) === true;
    const isTagged = metadata.uid === tags.claim?.uid;
    return metadata.namespace === tags.poolNamespace && (isTold || isTagged);
  });
  if (pool?.spec.type !== 'mdadm') return undefined;
  const { namespace, name, uid } = pool.metadata;
  return {
    claimRef: { namespace, name, uid },
    node: { name: pool.spec.mdadm.nodeName, machineId: found.managedBy },
    because: `attached for StoragePool ${name}`,
  };
}

function judgeAttached(
  tags: FoundTags,
  holder: PoolInstance,
  teller: InstanceClaim | undefined,
  evidence: Evidence,
): VolumeVerdict {
  const reference = referenceTo(holder);
  const { claimRef, lastClaimRef } = holder.spec;
  const claim = evidence.claims.find(({ metadata }) => metadata.uid === claimRef?.uid);
  const says = teller?.metadata.uid ?? tags.claim?.uid;
  if (claim && says === claim.metadata.uid) {
    return isBound(evidence.volumes, claim)
      ? { ...aside(tags, `claim ${claim.metadata.name} holds another volume`), holder: reference }
      : { ...bound(claim, `attached to ${holder.metadata.name}`), holder: reference };
  }
  if (says !== undefined) {
    const because = teller ? `claim ${teller.metadata.name}` : `claim ${tags.claim?.name}`;
    const verdict = aside(tags, `${because} does not own ${holder.metadata.name}, which holds it`);
    return { ...verdict, holder: reference };
  }
  // Its tags lag: attached for the claim that owns the instance, and not told yet.
  const awaited = claim?.spec.volume?.type === 'New' && claim.status?.volume === undefined;
  if (claim && awaited && !isBound(evidence.volumes, claim)) {
    return { ...bound(claim, `attached to ${holder.metadata.name}`), holder: reference };
  }
  if (lastClaimRef) {
    const because = `${holder.metadata.name}, which holds it, was owned by ${lastClaimRef.name}`;
    return { ...aside(tags, because, lastClaimRef), holder: reference };
  }
  const free = judgeFree(tags, evidence, ['free', 'creating', 'attached']);
  return { ...free, holder: reference };
}

/** Make sure that the claims which could own it would be here if there were any. */
function judgeFree(tags: FoundTags, evidence: Evidence, words: readonly string[]): Verdict {
  if (!words.includes(tags.status)) return aside(tags, `its tags say ${tags.status || 'nothing'}`);
  const { pool, siblings, claims } = evidence;
  const isOlder = !(Date.parse(tags.created) >= Date.parse(pool.metadata.creationTimestamp));
  if (isOlder) return aside(tags, 'it is older than its pool, whose claims may have been lost');
  const ofNamespace = claims.some(({ metadata }) => metadata.namespace === tags.poolNamespace);
  if (!ofNamespace && siblings.some(({ claim }) => claim !== undefined)) {
    return aside(tags, 'members of its pool have claims that do not exist: claims were lost');
  }
  if (evidence.lostClaim !== undefined) {
    const lost = `claim ${evidence.lostClaim}, which has another of its pool, does not exist`;
    return aside(tags, `${lost}: claims may have been lost`);
  }
  return { because: `its tags say ${tags.status}` };
}

/** What tags say of a member that somebody is at work with. */
const IN_USE: ReadonlySet<string> = new Set(['connected', 'attached']);

/**
 * Finds a claim that went without a release. Claims that were applied again since, or that came after, say
 * nothing for those that did not come back.
 */
export function lostClaims(
  claims: readonly InstanceClaim[],
  storagePools: readonly StoragePool[] = [],
): (siblings: readonly FoundTags[]) => string | undefined {
  const present = new Set([...claims, ...storagePools].map(({ metadata }) => metadata.uid));
  const answers = new WeakMap<readonly FoundTags[], string | undefined>();
  return (siblings) => {
    if (!answers.has(siblings)) {
      const orphan = siblings.find(
        ({ claim, status }) => claim && IN_USE.has(status) && !present.has(claim.uid),
      );
      answers.set(siblings, orphan?.claim?.name);
    }
    return answers.get(siblings);
  };
}

function bound(claim: InstanceClaim, because: string): Verdict {
  return { claimRef: refer(claim), because: `owned by claim ${claim.metadata.name}, ${because}` };
}

function aside(tags: FoundTags, because: string, used = tags.claim): Verdict {
  const quarantine = `found without a record; ${because}`;
  return { quarantine, because, ...(used ? { lastClaimRef: used } : {}) };
}

function refer({ metadata }: InstanceClaim): ClaimReference {
  const { namespace, name, uid } = metadata;
  return { namespace, name, uid };
}

function referenceTo({ metadata: { name, uid } }: PoolInstance): UidReference {
  return { name, uid };
}

function isBound(members: readonly (PoolInstance | PoolVolume)[], claim: InstanceClaim): boolean {
  return members.some(({ spec }) => spec.claimRef?.uid === claim.metadata.uid);
}

/** Served and released: what its status names is not its any more. */
function isSpent(status: InstanceClaim['status']): boolean {
  if (status?.phase !== 'Failed') return false;
  return findCondition(status.conditions, 'Ready')?.reason === 'Expired';
}

function isSame(
  named: { readonly uid: string; readonly resourceId?: string | undefined } | undefined,
  found: Found,
  tags: FoundTags,
): boolean {
  if (!named) return false;
  return named.uid === tags.uid || named.resourceId?.toLowerCase() === found.id.toLowerCase();
}

/** The ARM id of a record's VM, lower-cased; undefined while Azure hasn't shown it yet. */
function resourceOf({ spec, status }: PoolInstance): string | undefined {
  return (spec.adopt?.resourceId ?? status?.azure?.resourceId)?.toLowerCase();
}
