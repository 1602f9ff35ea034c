// What the last look at Azure found, kept in memory only: losing it costs one more look. It also knows
// which members have lost their record, so that their slots are not filled again meanwhile.

import { readTags } from '../../plan/adoption-tags.ts';
import type { DiscoveryRow, PoolDiscovery } from '../../plan/discovery.ts';
import type { Sighting } from '../../plan/garbage.ts';
import type { Clock } from '../../runtime/clock.ts';

export type MemberKind = 'instance' | 'volume';

/** A VM or disk of a pool whose record is gone. */
export interface MissingMember {
  readonly kind: MemberKind;
  /** ARM id. */
  readonly id: string;
  /** The uid of the lost record. */
  readonly uid: string;
  readonly namespace: string;
  readonly pool: string;
  readonly ordinal: number | undefined;
  readonly subscriptionId: string;
}

export interface LastDiscovery {
  /** Milliseconds since the epoch. */
  readonly completedAt: number;
  readonly complete: boolean;
  /** The code of what went wrong. */
  readonly error?: string;
}

export interface Discovery {
  lastDiscovery(subscriptionId: string): LastDiscovery | undefined;
  ofPool(kind: MemberKind, poolKey: string, subscriptionId: string | undefined): PoolDiscovery;
  /** True while a look at the resource itself is due, though its record is settled. */
  isDoubted(uid: string): boolean;
  /** The resource was looked at, and what followed was written down. */
  settleDoubt(uid: string): void;
  /** The record is about to go in order, its resource proven gone: it is not missing. */
  expectRelease(uid: string): void;
}

interface Pass extends LastDiscovery {
  readonly rows: ReadonlyMap<string, DiscoveryRow>;
  readonly wasComplete: boolean;
  readonly missed: ReadonlyMap<string, number>;
  readonly sightings: ReadonlyMap<string, Sighting>;
}

const NO_PASS: Pass = {
  completedAt: 0,
  complete: false,
  wasComplete: false,
  rows: new Map(),
  missed: new Map(),
  sightings: new Map(),
};

/** How many orderly releases are remembered at most; each is forgotten when its record goes. */
const MAX_RELEASES = 100_000;

export interface DiscoveryMemoryOptions {
  readonly clock: Clock;
  /** True when a record bears this uid, or bore it before it was adopted. */
  readonly isRecorded: (kind: MemberKind, uid: string) => boolean;
  /** So long a resource that was seen to be gone may still show in Resource Graph. */
  readonly lagMilliseconds: number;
}

export class DiscoveryMemory implements Discovery {
  readonly #options: DiscoveryMemoryOptions;
  readonly #passes = new Map<string, Pass>();
  /** By `kind namespace/pool`, then by uid. */
  readonly #missing = new Map<string, Map<string, MissingMember>>();
  readonly #goneUntil = new Map<string, number>();
  readonly #doubts = new Set<string>();
  readonly #lookedAt = new Map<string, number>();
  readonly #releases = new Set<string>();

  constructor(options: DiscoveryMemoryOptions) {
    this.#options = options;
  }

  lastDiscovery(subscriptionId: string): LastDiscovery | undefined {
    const pass = this.#passes.get(subscriptionId);
    if (!pass) return undefined;
    const { completedAt, complete, error } = pass;
    return { completedAt, complete, ...(error === undefined ? {} : { error }) };
  }

  ofPool(kind: MemberKind, poolKey: string, subscriptionId: string | undefined): PoolDiscovery {
    const pass = this.#passes.get(subscriptionId ?? '');
    const missing = [...(this.#missing.get(`${kind} ${poolKey}`)?.values() ?? [])].filter(
      ({ uid }) => !this.#options.isRecorded(kind, uid),
    );
    if (!pass) return { state: 'pending', wasComplete: false, missing };
    const { complete, wasComplete, error } = pass;
    const state = complete ? 'complete' : 'incomplete';
    return { state, wasComplete, missing, ...(error === undefined ? {} : { error }) };
  }

  /** Takes in all rows of a subscription. */
  completePass(subscriptionId: string, rows: readonly DiscoveryRow[]): void {
    const now = this.#options.clock.now();
    for (const [uid, until] of this.#goneUntil) if (until <= now) this.#goneUntil.delete(uid);
    for (const row of rows) this.#rememberMissing(subscriptionId, row);
    this.#forgetRecorded();
    const { sightings, missed } = this.#passes.get(subscriptionId) ?? NO_PASS;
    this.#passes.set(subscriptionId, {
      completedAt: now,
      complete: true,
      wasComplete: true,
      rows: new Map(rows.map((row) => [row.id, row])),
      sightings,
      missed,
    });
  }

  failPass(subscriptionId: string, error: string): void {
    const known = this.#passes.get(subscriptionId) ?? NO_PASS;
    const completedAt = this.#options.clock.now();
    this.#passes.set(subscriptionId, { ...known, completedAt, complete: false, error });
  }

  row(subscriptionId: string, id: string): DiscoveryRow | undefined {
    return this.#passes.get(subscriptionId)?.rows.get(id.toLowerCase());
  }

  rows(subscriptionId: string): readonly DiscoveryRow[] {
    return [...(this.#passes.get(subscriptionId)?.rows.values() ?? [])];
  }

  sightings(subscriptionId: string): ReadonlyMap<string, Sighting> {
    return this.#passes.get(subscriptionId)?.sightings ?? new Map();
  }

  rememberSightings(subscriptionId: string, sightings: ReadonlyMap<string, Sighting>): void {
    const pass = this.#passes.get(subscriptionId);
    if (pass) this.#passes.set(subscriptionId, { ...pass, sightings });
  }

  /** Counts the passes in a row that each of these members is missing from. */
  countMissed(subscriptionId: string, uids: readonly string[]): ReadonlyMap<string, number> {
    const pass = this.#passes.get(subscriptionId);
    const missed = new Map(uids.map((uid) => [uid, (pass?.missed.get(uid) ?? 0) + 1]));
    if (pass) this.#passes.set(subscriptionId, { ...pass, missed });
    return missed;
  }

  /** Members of this subscription that have no record, as far as the cache knows. */
  missing(subscriptionId: string): MissingMember[] {
    return [...this.#missing.values()]
      .flatMap((members) => [...members.values()])
      .filter((member) => {
        const { kind, uid } = member;
        return member.subscriptionId === subscriptionId && !this.#options.isRecorded(kind, uid);
      });
  }

  /** A record went without its resource having gone before. Returns false for an orderly release. */
  lose(member: MissingMember): boolean {
    if (this.#releases.delete(member.uid)) return false;
    this.#put(member);
    return true;
  }

  /** A live look showed that the resource isn't there, or carries another uid by now. */
  notThere(member: MissingMember): void {
    this.#drop(member);
    this.#markGone(member.uid);
  }

  expectRelease(uid: string): void {
    if (this.#releases.size >= MAX_RELEASES) this.#releases.clear();
    this.#releases.add(uid);
    this.#markGone(uid);
  }

  /** False when the member was looked at so lately that its rows may not show it yet. */
  doubt(uid: string): boolean {
    const lookedAt = this.#lookedAt.get(uid);
    const { clock, lagMilliseconds } = this.#options;
    if (lookedAt !== undefined && clock.now() - lookedAt < lagMilliseconds) return false;
    this.#doubts.add(uid);
    return true;
  }

  isDoubted(uid: string): boolean {
    return this.#doubts.has(uid);
  }

  settleDoubt(uid: string): void {
    if (!this.#doubts.delete(uid)) return;
    const { clock, lagMilliseconds } = this.#options;
    const now = clock.now();
    for (const [known, at] of this.#lookedAt) {
      if (now - at >= lagMilliseconds) this.#lookedAt.delete(known);
    }
    this.#lookedAt.set(uid, now);
  }

  #rememberMissing(subscriptionId: string, row: DiscoveryRow): void {
    if (row.kind !== 'instance' && row.kind !== 'volume') return;
    const tags = readTags(row.tags);
    if (tags.role !== row.kind || tags.uid === '' || tags.pool === '') return;
    if (this.#options.isRecorded(row.kind, tags.uid) || this.#goneUntil.has(tags.uid)) return;
    this.#put({
      kind: row.kind,
      id: row.id,
      uid: tags.uid,
      namespace: tags.poolNamespace,
      pool: tags.pool,
      ordinal: tags.slot,
      subscriptionId,
    });
  }

  #forgetRecorded(): void {
    for (const members of this.#missing.values())
      for (const member of members.values())
        if (this.#options.isRecorded(member.kind, member.uid)) this.#drop(member);
  }

  #put(member: MissingMember): void {
    const key = keyOf(member);
    const members = this.#missing.get(key) ?? new Map<string, MissingMember>();
    members.set(member.uid, member);
    this.#missing.set(key, members);
  }

  #drop(member: MissingMember): void {
    const members = this.#missing.get(keyOf(member));
    members?.delete(member.uid);
    if (members?.size === 0) this.#missing.delete(keyOf(member));
  }

  #markGone(uid: string): void {
    const { clock, lagMilliseconds } = this.#options;
    this.#goneUntil.set(uid, clock.now() + lagMilliseconds);
  }
}

function keyOf({ kind, namespace, pool }: MissingMember): string {
  return `${kind} ${namespace}/${pool}`;
}
