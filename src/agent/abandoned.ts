// Mounts that are on the node and in its journal, but not in the cluster any more: the node was away
// while its pool was deleted, or somebody took the record away. Nobody will ever ask for them to be
// undone, and their disks would stay reserved for ever. So they are undone as a deletion that retains
// does it: unmounted and stopped once nothing uses them, with every byte kept.
import type { NodeMount } from '../api/node-mount.ts';
import type { DeepReadonly } from '../api/object.ts';
import { type Key, keyOfObject } from '../kube/index.ts';
import type { Clock } from '../runtime/clock.ts';
import type { DeviceClaims } from './claims.ts';
import type { Journal, JournalEntry } from './journal.ts';

/** A record may come back, from a backup or as somebody mends a mistake. */
const GRACE_MILLISECONDS = 5 * 60_000;

/** Deletions that nobody has asked for carry this time. */
const NOBODY_ASKED = '1970-01-01T00:00:00Z';

export class Abandoned {
  readonly #clock: Clock;
  readonly #journal: Journal;
  readonly #claims: DeviceClaims;
  readonly #missingSince = new Map<string, number>();

  constructor(options: { clock: Clock; journal: Journal; claims: DeviceClaims }) {
    this.#clock = options.clock;
    this.#journal = options.journal;
    this.#claims = options.claims;
  }

  /** What the journal has under this key beside the object that is there. */
  entriesBeside(key: Key, uid: string | undefined): readonly JournalEntry[] {
    if (uid !== undefined && this.#missingSince.delete(uid)) this.#claims.markPresent(uid);
    return this.#journal
      .entries()
      .filter((entry) => keyOfEntry(entry) === key && entry.uid !== uid);
  }

  /** The keys of everything in the journal: some of it may be gone from the cluster. */
  keys(): Key[] {
    return this.#journal.entries().map(keyOfEntry);
  }

  /** How long the entry is still left alone. */
  waitOf({ uid }: JournalEntry): number {
    const now = this.#clock.monotonic();
    const since = this.#missingSince.get(uid) ?? now;
    if (!this.#missingSince.has(uid)) {
      this.#missingSince.set(uid, since);
      this.#claims.markGone(uid, 'It is unmounted and stopped soon.');
    }
    return since + GRACE_MILLISECONDS - now;
  }

  /** Says with the disks what their owner waits for. */
  explain(uid: string, message: string): void {
    this.#claims.markGone(uid, message);
  }

  forget(uid: string): void {
    this.#missingSince.delete(uid);
    this.#claims.markPresent(uid);
  }
}

function keyOfEntry({ namespace, name }: JournalEntry): Key {
  return keyOfObject({ metadata: { namespace, name } } as Parameters<typeof keyOfObject>[0]);
}

/** The object as if it was being deleted, with every byte to be kept; undefined when too little is known. */
export function ghostOf(entry: JournalEntry): DeepReadonly<NodeMount> | undefined {
  const { namespace, name, uid, spec } = entry;
  if (spec === undefined) return undefined;
  return {
    metadata: { namespace, name, uid, deletionTimestamp: NOBODY_ASKED },
    spec: { ...spec, deletionPolicy: 'Retain', holdsData: true },
  } as unknown as DeepReadonly<NodeMount>;
}

export function isGhost({ metadata }: DeepReadonly<NodeMount>): boolean {
  return metadata.deletionTimestamp === NOBODY_ASKED;
}
