// What of ours in Azure belongs to nobody any more: no record, no pool that could adopt it, no claim that
// was ever served by it. A row of Resource Graph is only a suspicion; two of them apart in time and a
// live look make it garbage. In doubt a thing stays: a leak costs money, a wrong deletion somebody's bytes.
import { readTags } from './adoption-tags.ts';
import type { DiscoveryRow } from './discovery.ts';

export interface Sighting {
  /** Milliseconds since the epoch. */
  readonly firstSeenAt: number;
}

export interface GarbageInput {
  readonly rows: readonly DiscoveryRow[];
  readonly installation: string;
  /** True when a record bears this uid, or bore it before it was adopted. */
  readonly isRecorded: (uid: string) => boolean;
  /** True when the pool that the tags name exists and so can adopt it. */
  readonly hasPool: (role: string, namespace: string, name: string) => boolean;
  /**
   * True when a pool of this uid exists and has a use for the resource of this name: temporary machines
   * and snapshots carry the uid of their pool.
   */
  readonly isPool: (uid: string, name: string) => boolean;
  readonly isClaim: (uid: string) => boolean;
  /** Suspects of earlier complete passes by lower-cased id; gone from it when not seen any more. */
  readonly sightings: ReadonlyMap<string, Sighting>;
  readonly spacingMilliseconds: number;
  readonly minimumAgeMilliseconds: number;
  readonly maximumPerPass: number;
}

export interface GarbagePlan {
  /** To be looked at live and then deleted. */
  readonly collect: readonly DiscoveryRow[];
  readonly sightings: ReadonlyMap<string, Sighting>;
}

export function planGarbage(input: GarbageInput, now: number): GarbagePlan {
  const suspects = input.rows.filter((row) => isSuspect(row, input));
  const sightings = new Map(
    suspects.map(({ id }) => [id, input.sightings.get(id) ?? { firstSeenAt: now }]),
  );
  const collect = suspects
    .filter((row) => {
      const { firstSeenAt } = sightings.get(row.id)!;
      const madeAt = Date.parse(row.timeCreated ?? '') || firstSeenAt;
      return (
        now - firstSeenAt >= input.spacingMilliseconds &&
        now - Math.min(madeAt, firstSeenAt) >= input.minimumAgeMilliseconds
      );
    })
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .slice(0, input.maximumPerPass);
  return { collect, sightings };
}

function isSuspect(row: DiscoveryRow, input: GarbageInput): boolean {
  const tags = readTags(row.tags);
  if (tags.installation !== input.installation) return false;
  // Bytes that somebody may want back, or a machine that somebody was given.
  if (tags.status === 'retained' || tags.status === 'quarantined') return false;
  if (tags.claim !== undefined || input.isClaim(tags.uid)) return false;
  if (tags.uid !== '' && (input.isRecorded(tags.uid) || input.isPool(tags.uid, row.name)))
    return false;
  // An interface or a disk that a machine holds goes with it.
  if (row.managedBy !== undefined) return false;
  if (row.kind === 'networkInterface') return true;
  if (row.kind === 'snapshot') return tags.uid !== '';
  return !input.hasPool(tags.role, tags.poolNamespace, tags.pool);
}

/** What a live look shows of a suspect. */
export interface LiveSuspect {
  readonly tags: Readonly<Record<string, string>>;
  readonly managedBy?: string | undefined;
  readonly virtualMachineId?: string | undefined;
  readonly diskState?: string | undefined;
  readonly dataDisks?: readonly unknown[] | undefined;
}

/** Undefined when it may be deleted, else why it stays. */
export function whyKept(row: DiscoveryRow, live: LiveSuspect): string | undefined {
  const seen = readTags(row.tags);
  const now = readTags(live.tags);
  if (now.installation !== seen.installation || now.uid !== seen.uid) return 'its tags changed';
  if (now.status === 'retained' || now.claim !== undefined) return 'it belongs to a claim';
  if (live.managedBy !== undefined || live.virtualMachineId !== undefined) return 'it is in use';
  if (live.diskState !== undefined && live.diskState !== 'Unattached') {
    return `it is ${live.diskState}`;
  }
  if (live.dataDisks && live.dataDisks.length > 0) return 'it holds data disks';
  return undefined;
}
