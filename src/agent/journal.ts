// The durable memory of one NodeMount on its node: what was begun, what was finished, which disks
// are its own, what was run. Every change is on the disk before the agent acts on it.
//
// It never decides alone: after a restart the agent looks at the node first, and the journal only
// tells what looking can't, such as whether a filesystem was finished.
import type { CommandRecord } from '../api/command-record.ts';
import type { DeviceIdentity } from '../plan/disks.ts';
import type { Done, JournalFacts } from '../plan/node-mount-facts.ts';
import type { ScrubRecord } from '../plan/node-mount-mdadm-facts.ts';
import type { HostPort } from './host-port.ts';

const RECORDS_MAX = 64;
const FORMAT_VERSION = 1;

export interface WipeRecord {
  readonly time: string;
  readonly device: string;
  readonly found: string;
}

export interface JournalEntry {
  readonly version: number;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly poolUid: string;
  readonly claims: readonly DeviceIdentity[];
  readonly array: Done;
  readonly filesystem: Done;
  readonly active: boolean;
  readonly mountPoint: Done;
  readonly mountPointProtected: boolean;
  readonly erasing: readonly string[];
  readonly wiped: readonly string[];
  readonly wiping: readonly string[];
  readonly wipes: readonly WipeRecord[];
  readonly outdated?: readonly string[];
  readonly failed?: readonly string[];
  readonly filesystemSizedTo?: number;
  readonly scrub?: ScrubRecord;
  readonly initialSyncCompletedAt?: string;
  /** What is mounted, by source and options: a change of either means mounting anew. */
  readonly mountedAs?: string;
  readonly mountedSource?: string;
  /** The mount was detached while somebody may still have used it. */
  readonly detachedLazily?: boolean;
  readonly iscsiTarget?: string;
  readonly session?: Done | 'found';
  readonly loggedInAs?: string;
  /** Set once everything was undone; the entry goes when the object has gone. */
  readonly cleanedUp?: { readonly kept?: string };
  readonly records: readonly CommandRecord[];
}

export interface Owner {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly poolUid: string;
}

export class Journal {
  readonly #host: HostPort;
  readonly #directory: string;
  readonly #entries = new Map<string, JournalEntry>();

  constructor(host: HostPort, root: string) {
    this.#host = host;
    this.#directory = `${root}/journal`;
  }

  /** Reads everything that earlier lives of the agent wrote down. Call once, before anything else. */
  async load(): Promise<void> {
    await this.#host.makeDirectory(this.#directory);
    for (const name of (await this.#host.listDirectory(this.#directory)) ?? []) {
      if (!name.endsWith('.json')) continue;
      const text = await this.#host.readFile(`${this.#directory}/${name}`);
      const entry = text === undefined ? undefined : parseEntry(text);
      if (entry) this.#entries.set(entry.uid, interrupted(entry));
    }
  }

  entries(): readonly JournalEntry[] {
    return [...this.#entries.values()];
  }

  get(uid: string): JournalEntry | undefined {
    return this.#entries.get(uid);
  }

  facts(uid: string): JournalFacts {
    const entry = this.#entries.get(uid);
    return entry ? { exists: true, ...entry } : { exists: false, ...blank };
  }

  /** Changes the owner's entry and resolves once it is on the disk. */
  async update(
    owner: Owner,
    change: Partial<Omit<JournalEntry, keyof Owner | 'version'>>,
  ): Promise<void> {
    const { namespace, name, uid, poolUid } = owner;
    const before = this.#entries.get(uid) ?? {
      version: FORMAT_VERSION,
      namespace,
      name,
      uid,
      poolUid,
      ...blank,
    };
    const records = (change.records ?? before.records).slice(-RECORDS_MAX);
    const entry: JournalEntry = { ...before, ...change, records };
    this.#entries.set(uid, entry);
    await this.#host.writeFile(this.#path(uid), `${JSON.stringify(entry, null, 1)}\n`);
  }

  async remove(uid: string): Promise<void> {
    if (!this.#entries.delete(uid)) return;
    await this.#host.removeFile(this.#path(uid));
  }

  #path(uid: string): string {
    return `${this.#directory}/${uid}.json`;
  }
}

const blank = {
  claims: [],
  array: 'none',
  filesystem: 'none',
  active: false,
  mountPoint: 'none',
  mountPointProtected: false,
  erasing: [],
  wiped: [],
  wiping: [],
  wipes: [],
  records: [],
} as const;

/** A damaged file counts as none: then nothing is proven, and the planner keeps all bytes. */
function parseEntry(text: string): JournalEntry | undefined {
  try {
    const entry = JSON.parse(text) as JournalEntry;
    return entry.version === FORMAT_VERSION ? { ...blank, ...entry } : undefined;
  } catch {
    return undefined;
  }
}

/** Commands whose end was never recorded: what they did is found out by looking. */
function interrupted(entry: JournalEntry): JournalEntry {
  const records = entry.records.map(
    (record): CommandRecord =>
      record.state === 'Running' ? { ...record, state: 'Unknown' } : record,
  );
  return { ...entry, records };
}
