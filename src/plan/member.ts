// What the life of every pool member has in common: how its status moves on, and the tags that mirror it.
import { timestamp } from '../api/conditions.ts';
import type { PoolInstance, PoolInstanceStatus } from '../api/pool-instance.ts';
import type { PoolVolume, PoolVolumeStatus } from '../api/pool-volume.ts';
import { type ClaimReference, type HistoryEntry, historyMaximum } from '../api/status.ts';

type MemberStatus = PoolInstanceStatus | PoolVolumeStatus;

/** The status in another phase, with the change on record. Unchanged when it is in that phase already. */
export function inPhase<S extends MemberStatus>(
  status: S,
  phase: S['phase'],
  because: string,
  now: number,
): S {
  if (status.phase === phase) return status;
  const entry: HistoryEntry = {
    time: timestamp(now),
    // A record's first phase is where it starts, not a change.
    from: status.history.length === 0 && phase === 'Creating' ? 'Pending' : status.phase,
    to: phase,
    because,
  };
  return { ...status, phase, history: [entry, ...status.history].slice(0, historyMaximum) };
}

/** The status without a finished or failed step's bookkeeping. */
export function withoutOperation<S extends MemberStatus>(status: S): S {
  const { operation: _, nextAttemptTime: __, ...rest } = status;
  return { ...rest, attempts: 0 } as S;
}

/** How often one that may not be made looks whether it may be by now, if nothing else wakes it. */
const HELD_BACK_MILLISECONDS = 60_000;

/** Not made because somebody must change something first: the same words are written only once. */
export function heldBack<S extends MemberStatus>(
  status: S,
  { reason, message }: { readonly reason: string; readonly message: string },
  now: number,
): { step: undefined; because: string; status: S; waitMilliseconds: number } {
  const isSaid = status.lastError?.code === reason && status.lastError.message === message;
  const said =
    isSaid && status.attempts > 0
      ? status
      : {
          ...status,
          attempts: Math.max(1, status.attempts),
          lastError: { code: reason, message: message.slice(0, 4096), time: timestamp(now) },
        };
  return {
    step: undefined,
    because: message,
    status: said,
    waitMilliseconds: HELD_BACK_MILLISECONDS,
  };
}

/** The words of the tag `poolkeeper:status`. */
export type TagStatus =
  | 'creating'
  | 'free'
  | 'connected'
  | 'attached'
  | 'retained'
  | 'releasing'
  | 'deleting'
  | 'quarantined';

/**
 * The tags by which a member can be recognised and its record rebuilt. Values are cut at Azure's 256
 * characters; our names are shorter. Claim tags are emptied rather than removed: a merge can't remove.
 */
export function memberTags(
  member: PoolInstance | PoolVolume,
  installation: string,
  status: TagStatus,
  claim: ClaimReference | undefined,
): Record<string, string> {
  const { metadata, spec } = member;
  const { releasedAt = '', claimedAt = '' } = member.status ?? {};
  const lastUsed = (releasedAt > claimedAt ? releasedAt : claimedAt) || metadata.creationTimestamp;
  const tags: Record<string, string> = {
    installation,
    role: member.kind === 'PoolInstance' ? 'instance' : 'volume',
    status,
    pool: spec.poolRef.name,
    'pool-namespace': metadata.namespace,
    slot: String(spec.ordinal),
    uid: metadata.uid,
    revision: 'templateRevision' in spec ? spec.templateRevision : spec.source.version,
    'claim-namespace': claim?.namespace ?? '',
    'claim-name': claim?.name ?? '',
    'claim-uid': claim?.uid ?? '',
    created: metadata.creationTimestamp,
    lastused: lastUsed,
  };
  return Object.fromEntries(
    Object.entries(tags).map(([name, value]) => [`poolkeeper:${name}`, value.slice(0, 256)]),
  );
}

/** True when the resource carries all of `wanted` already. Tag names are case-insensitive in Azure. */
export function carriesTags(
  present: Readonly<Record<string, string>>,
  wanted: Readonly<Record<string, string>>,
): boolean {
  const lowered = new Map(
    Object.entries(present).map(([name, value]) => [name.toLowerCase(), value]),
  );
  return Object.entries(wanted).every(([name, value]) => lowered.get(name.toLowerCase()) === value);
}

/** The uid that a resource was made for, or undefined when it is none of ours. */
export function taggedUid(tags: Readonly<Record<string, string>>): string | undefined {
  return tags['poolkeeper:uid'];
}

/**
 * True when the resource carries the uid of this record, or of the former record that it was adopted
 * from: between the adoption and the rewriting of the tags that is the proof of ownership.
 */
export function ownsTags(
  { metadata, spec }: PoolInstance | PoolVolume,
  tags: Readonly<Record<string, string>>,
): boolean {
  const uid = taggedUid(tags);
  return uid !== undefined && (uid === metadata.uid || uid === spec.adopt?.uid);
}

/** True when people or claims may know the member by this uid: its own or that of its former record. */
export function isKnownAs({ metadata, spec }: PoolInstance | PoolVolume, uid: string): boolean {
  return uid === metadata.uid || uid === spec.adopt?.uid;
}

/** Tags to be written; null takes one off. */
export type TagChange = Readonly<Record<string, string | null>>;

const PREFIX = 'poolkeeper:';
const ORPHANED_FROM = `${PREFIX}orphaned-from`;

/**
 * Takes our tags off, so that no installation ever adopts or collects the resource, and leaves behind where
 * it came from. `present` are the tags that it has.
 */
export function orphanTags(
  { metadata, spec }: PoolInstance | PoolVolume,
  installation: string,
  present: Readonly<Record<string, string>>,
): TagChange {
  const ours = Object.keys(present).filter((name) => name.toLowerCase().startsWith(PREFIX));
  const from = spec.orphan?.from ?? orphanedFrom({ metadata, spec }, installation);
  return {
    ...Object.fromEntries(ours.map((name) => [name, null])),
    [ORPHANED_FROM]: from.slice(0, 256),
  };
}

export function orphanedFrom(
  { metadata, spec }: Pick<PoolInstance | PoolVolume, 'metadata' | 'spec'>,
  installation: string,
): string {
  return `${installation}/${metadata.namespace}/${spec.poolRef.name}`.slice(0, 256);
}

/** True when nothing of ours is left on it but where it came from. */
export function isOrphanTagged(tags: Readonly<Record<string, string>>): boolean {
  const ours = Object.keys(tags).filter((name) => name.toLowerCase().startsWith(PREFIX));
  return ours.length === 1 && ours[0]?.toLowerCase() === ORPHANED_FROM;
}
