// When nothing more has to happen: every wish is met, as far as it can be, and the cloud holds exactly
// what the records say. What is missing is listed in words.
import { findCondition } from '../../src/api/conditions.ts';
import type { InstancePool } from '../../src/api/instance-pool.ts';
import type { Member, Pool, Truth } from './truth.ts';

const SETTLED = new Set(['Free', 'Claimed', 'Attached', 'Retained']);
/** The words of the tags for what a claim owns: a machine, a disk. */
const IN_USE = new Set(['connected', 'attached']);

export function unrest(truth: Truth): string[] {
  truth.azure.settle();
  return [
    ...truth.pools().flatMap((pool) => ofPool(truth, pool)),
    ...truth.claims().flatMap((claim) => ofClaim(truth, claim)),
    ...truth.members().flatMap((member) => ofMember(truth, member)),
    ...ofCloud(truth),
  ];
}

function ofPool(truth: Truth, pool: Pool): string[] {
  const { name, deletionTimestamp, generation } = pool.metadata;
  const members = truth.membersOf(pool);
  if (deletionTimestamp) {
    const isKept = members.some(
      ({ status, spec }) => status?.phase === 'Retained' || spec.claimRef,
    );
    return isKept ? [] : [`pool ${name} is still being deleted`];
  }
  const { minFree, maxFree, maxTotal } = pool.spec.scaling;
  const free = members.filter(isFree).length;
  const wants: string[] = [];
  if (free < minFree && members.length < maxTotal)
    wants.push(`pool ${name} has ${free} free of ${minFree} and ${members.length} of ${maxTotal}`);
  // Waiting claims may lack something else: what was made for them stays.
  const most = Math.max(maxFree, minFree + waitingFor(truth, pool));
  if (free > most) wants.push(`pool ${name} has ${free} free, more than ${maxFree}`);
  const { status } = pool;
  if (status?.free !== free || status?.total !== members.length)
    wants.push(
      `pool ${name} says ${status?.free}/${status?.total}, it is ${free}/${members.length}`,
    );
  if (pool.kind === 'InstancePool') wants.push(...ofPrewarming(truth, pool as InstancePool));
  const taken = members.filter(isTaken).length;
  const kept = members.filter(isKept).length;
  const counted =
    pool.kind === 'InstancePool' ? { claimed: taken } : { attached: taken, retained: kept };
  for (const [word, count] of Object.entries(counted)) {
    const said = (status as Record<string, unknown> | undefined)?.[word] ?? 0;
    if (said !== count) wants.push(`pool ${name} says ${said} ${word}, it is ${count}`);
  }
  if (kept > 0 && 'reclaimPolicy' in pool.spec && pool.spec.reclaimPolicy !== 'Retain')
    wants.push(`pool ${name} keeps ${kept} under ${pool.spec.reclaimPolicy}`);
  const ready = findCondition(status?.conditions, 'Ready');
  const isReady = ready?.status === 'True' && ready.observedGeneration === generation;
  if (free >= minFree && !isReady)
    wants.push(`pool ${name} is full, but not Ready: ${ready?.reason}: ${ready?.message}`);
  return wants;
}

/** Free machines hold as many disks as is wished, as long as there are machines and disks. */
function ofPrewarming(truth: Truth, { metadata, spec }: InstancePool): string[] {
  const { prewarm, paused } = spec;
  if (!prewarm || paused) return [];
  const volumes = truth.volumes();
  const held = new Set(volumes.map((volume) => volume.spec.instanceRef?.uid));
  const free = truth.instances().filter((one) => inPool(one, metadata.name) && isFree(one));
  const bare = free.filter((one) => !held.has(one.metadata.uid));
  const fresh = volumes.filter(
    (one) => inPool(one, prewarm.volumePoolRef.name) && isFree(one) && !one.spec.lastClaimRef,
  );
  const missing = Math.min(prewarm.count - (free.length - bare.length), bare.length, fresh.length);
  return missing > 0 ? [`pool ${metadata.name} could prewarm ${missing} more`] : [];
}

function inPool({ spec }: Member, pool: string): boolean {
  return spec.poolRef.name === pool;
}

function waitingFor(truth: Truth, { kind, metadata }: Pool): number {
  return truth.claims().filter(({ spec, status }) => {
    const { volume, instancePoolRef } = spec;
    const disks = volume?.type === 'New' ? volume.new.poolRef.name : undefined;
    const name = kind === 'InstancePool' ? instancePoolRef.name : disks;
    return name === metadata.name && (status?.phase ?? 'Pending') === 'Pending';
  }).length;
}

function isFree({ metadata, spec, status }: Member): boolean {
  const isNobodys = !spec.claimRef && !('instanceRef' in spec && spec.instanceRef);
  return status?.phase === 'Free' && isNobodys && !metadata.deletionTimestamp;
}

function isTaken({ spec, status }: Member): boolean {
  const isHeld = 'instanceRef' in spec && spec.instanceRef !== undefined;
  return spec.claimRef !== undefined || (isHeld && status?.phase !== 'Retained');
}

function isKept({ spec, status }: Member): boolean {
  return status?.phase === 'Retained' && spec.claimRef === undefined;
}

function ofClaim(truth: Truth, claim: ReturnType<Truth['claims']>[number]): string[] {
  const { metadata, spec, status } = claim;
  const { name, uid } = metadata;
  if (metadata.deletionTimestamp) return [`claim ${name} is still being released`];
  if (status?.phase === 'Failed') return [];
  const owned = truth.members().filter((member) => member.spec.claimRef?.uid === uid);
  const count = (kind: string): number => owned.filter((member) => member.kind === kind).length;
  const wanted = spec.volume ? 1 : 0;
  if (status?.phase === 'Ready') {
    const right = count('PoolInstance') === 1 && count('PoolVolume') === wanted;
    return right ? [] : [`claim ${name} is Ready with ${owned.map((one) => one.metadata.name)}`];
  }
  const { volume } = spec;
  // Bound, and then somebody destroyed the disk that it named: only its owner can let go.
  const isHopeless = volume?.type === 'Existing' && !isThere(truth, volume.existing.uid);
  return (canBeServed(truth, claim) || owned.length > 0) && !isHopeless
    ? [`claim ${name} is ${status?.phase ?? 'not looked at'}`]
    : [];
}

function canBeServed(truth: Truth, claim: ReturnType<Truth['claims']>[number]): boolean {
  const { spec } = claim;
  const names = [
    ['InstancePool', spec.instancePoolRef.name],
    ...(spec.volume?.type === 'New' ? [['VolumePool', spec.volume.new.poolRef.name]] : []),
  ];
  return names.every(([kind, name]) => {
    const pool = truth.pools().find((one) => one.kind === kind && one.metadata.name === name);
    if (!pool || pool.metadata.deletionTimestamp) return false;
    const members = truth.membersOf(pool);
    const possible = members.filter(isFree).length + pool.spec.scaling.maxTotal - members.length;
    // First come, first served: an instance is kept for a claim that waits for its disk.
    return possible > ahead(truth, claim);
  });
}

/** Claims of the same pool that came before and still wait. */
function ahead(truth: Truth, { metadata, spec }: ReturnType<Truth['claims']>[number]): number {
  return truth.claims().filter((other) => {
    const isSamePool = other.spec.instancePoolRef.name === spec.instancePoolRef.name;
    const isBefore = other.metadata.creationTimestamp <= metadata.creationTimestamp;
    const isWaiting = (other.status?.phase ?? 'Pending') === 'Pending';
    return isSamePool && isBefore && isWaiting && other.metadata.uid !== metadata.uid;
  }).length;
}

/** Kept, and nobody's. */
function isThere(truth: Truth, uid: string): boolean {
  return truth
    .volumes()
    .some(
      ({ metadata, spec, status }) =>
        (metadata.uid === uid || spec.adopt?.uid === uid) &&
        status?.phase === 'Retained' &&
        spec.claimRef === undefined &&
        !metadata.deletionTimestamp,
    );
}

function ofMember(truth: Truth, member: Member): string[] {
  const { metadata, status, spec } = member;
  const { name, deletionTimestamp } = metadata;
  const phase = status?.phase ?? 'Pending';
  if (deletionTimestamp && spec.claimRef) return [];
  if (deletionTimestamp) return [`${name} is still being deleted`];
  if (!SETTLED.has(phase)) return [`${name} is ${phase}`];
  if (!isOfItsPhase(member)) return [`${name} is ${phase}, which its spec does not say`];
  const own = cloudOf(truth, member);
  if (own.length === 0) return [`${name} is ${phase}, but not in the cloud`];
  // What fails in Azure after it was accepted shows in Resource Graph, some minutes late.
  if (!spec.claimRef && own.some(({ provisioningState }) => provisioningState === 'Failed'))
    return [`${name} is ${phase}, but failed in the cloud`];
  return own.flatMap((one) => ofTags(one.tags, member));
}

/** A status that lags behind its spec is not at rest: nobody would look at the record again. */
function isOfItsPhase({ spec, status }: Member): boolean {
  const isHeld = spec.claimRef !== undefined || ('instanceRef' in spec && !!spec.instanceRef);
  return isHeld === (status?.phase === 'Claimed' || status?.phase === 'Attached');
}

/** The tags are the second memory: they must say what the record says. */
function ofTags(tags: Readonly<Record<string, string>>, { metadata, spec }: Member): string[] {
  const told = tags['poolkeeper:claim-uid'] ?? '';
  const wants: string[] = [];
  if (told !== (spec.claimRef?.uid ?? '') && told !== (spec.lastClaimRef?.uid ?? ''))
    wants.push(`${metadata.name} is tagged for claim '${told}'`);
  if (spec.claimRef && !IN_USE.has(tags['poolkeeper:status'] ?? ''))
    wants.push(`${metadata.name} is claimed and tagged ${tags['poolkeeper:status']}`);
  return wants;
}

function cloudOf(truth: Truth, { kind, metadata, spec }: Member) {
  const all = kind === 'PoolInstance' ? truth.machines() : truth.disks();
  const adopted = spec.adopt?.resourceId.toLowerCase();
  return all.filter(({ id, tags }) =>
    adopted ? id.toLowerCase() === adopted : tags['poolkeeper:uid'] === metadata.uid,
  );
}

/** Everything of ours in the cloud belongs to a record; disks kept for somebody may outlive theirs. */
function ofCloud(truth: Truth): string[] {
  const known = new Set(
    truth.members().flatMap(({ metadata, spec }) => [metadata.uid, uidIn(spec.adopt?.name ?? '')]),
  );
  return [...truth.machines(), ...truth.disks(), ...truth.interfaces()]
    .filter(({ name }) => /^pk(vm|vol)-/.test(name))
    .filter(({ tags }) => tags['poolkeeper:installation'] !== 'another')
    .filter(({ tags }) => tags['poolkeeper:status'] !== 'retained' || hasPool(truth, tags))
    .filter(({ name }) => !known.has(uidIn(name)))
    .map(({ name }) => `${name} has no record`);
}

/** A kept disk without a record gets one again, as long as there is a pool to record it in. */
function hasPool(truth: Truth, tags: Readonly<Record<string, string>>): boolean {
  return truth
    .pools()
    .some(
      ({ kind, metadata }) =>
        kind === 'VolumePool' &&
        metadata.name === tags['poolkeeper:pool'] &&
        !metadata.deletionTimestamp,
    );
}

function uidIn(name: string): string {
  return /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/i.exec(name)?.[0] ?? '';
}
