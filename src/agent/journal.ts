// The durable memory of one NodeMount on its node: what was begun, what was finished, which disks
// are its own, what was run. Every change is on the disk before the agent acts on it.
//
// A file that is damaged is put aside, never overwritten; one of a newer agent is not touched at all.
//
// It never decides alone: after a restart the agent looks at the node first, and the journal only
// tells what looking can't, such as whether a filesystem was finished.
import { boundRecords } from '../api/command-bounds.ts';
import type { CommandRecord } from '../api/command-record.ts';
import type { JournalFacts } from '../plan/node-mount-facts.ts';
import { messageOf, PoolkeeperError } from '../runtime/errors.ts';
import type { HostPort } from './host-port.ts';
import { blank, FORMAT_VERSION, type JournalEntry, parseEntry } from './journal-format.ts';

const RECORDS_MAX = 64;

export type { JournalEntry, WipeRecord } from './journal-format.ts';

export interface Owner {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly poolUid: string;
  /** Absent in journals of agents that did not write it down. */
  readonly poolName?: string;
}

export class Journal {
  readonly #host: HostPort;
  readonly #directory: string;
  readonly #entries = new Map<string, JournalEntry>();
  /** By uid: why what is written down of it must be left as it is. */
  readonly #refusals = new Map<string, string>();
  readonly #damaged: string[] = [];
  /** Per entry, the last write: the next one waits for it. */
  readonly #writes = new Map<string, Promise<void>>();

  constructor(host: HostPort, root: string) {
    this.#host = host;
    this.#directory = `${root}/journal`;
  }

  /** Reads everything that earlier lives of the agent wrote down. Call once, before anything else. */
  async load(): Promise<void> {
    await this.#host.makeDirectory(this.#directory);
    for (const name of (await this.#host.listDirectory(this.#directory)) ?? []) {
      if (!name.endsWith('.json')) continue;
      const path = `${this.#directory}/${name}`;
      const text = await this.#host.readFile(path);
      if (text === undefined) continue;
      const uid = name.slice(0, -'.json'.length);
      const parsed = parseEntry(text, uid);
      if (parsed.type === 'damaged') await this.#putAside(path, { text, uid });
      else
        this.#entries.set(uid, parsed.type === 'entry' ? interrupted(parsed.entry) : parsed.rest);
      if (parsed.type === 'newer') this.#refusals.set(uid, describeNewer(parsed.version));
    }
  }

  /** What is lost proves nothing, so all bytes are kept; people may still want to read it. */
  async #putAside(path: string, { text, uid }: { text: string; uid: string }): Promise<void> {
    try {
      await this.#host.writeFile(`${path}.damaged`, text);
      await this.#host.removeFile(path);
      this.#damaged.push(`${path}.damaged`);
    } catch (error) {
      const why = `The node's record of this mount, ${path}, is damaged and can't be put aside: `;
      this.#refusals.set(uid, why + messageOf(error));
    }
  }

  /** Files that could not be understood when the journal was read, where they are now. */
  damaged(): readonly string[] {
    return this.#damaged;
  }

  /** Why this agent must leave the mount alone, if it must. */
  refusal(uid: string): string | undefined {
    return this.#refusals.get(uid);
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

  /**
   * Changes the owner's entry and resolves once it is on the disk; only then is it seen here, too. Throws
   * when it could not be written: nothing may be done then that counts on it.
   */
  update(
    owner: Owner,
    change: Partial<Omit<JournalEntry, keyof Owner | 'version'>>,
  ): Promise<void> {
    const { namespace, name, uid, poolUid, poolName } = owner;
    return this.#oneByOne(uid, async () => {
      const before = this.#entries.get(uid) ?? {
        version: FORMAT_VERSION,
        namespace,
        name,
        uid,
        poolUid,
        ...(poolName !== undefined && { poolName }),
        ...blank,
      };
      const records = boundRecords(change.records ?? before.records, RECORDS_MAX);
      const entry: JournalEntry = { ...before, ...change, records };
      await this.#host.writeFile(this.#path(uid), `${JSON.stringify(entry, null, 1)}\n`);
      this.#entries.set(uid, entry);
    });
  }

  remove(uid: string): Promise<void> {
    return this.#oneByOne(uid, async () => {
      if (!this.#entries.has(uid)) return;
      await this.#host.removeFile(this.#path(uid));
      this.#entries.delete(uid);
    });
  }

  /** Two writes of one file at a time would get into each other's way. */
  async #oneByOne(uid: string, write: () => Promise<void>): Promise<void> {
    const refusal = this.refusal(uid);
    if (refusal !== undefined) throw new PoolkeeperError('JournalUnavailable', refusal);
    const before = this.#writes.get(uid) ?? Promise.resolve();
    const now = before.catch(() => {}).then(write);
    this.#writes.set(uid, now);
    try {
      await now;
    } catch (cause) {
      const message = `The node's journal can't be written, so nothing is done: ${messageOf(cause)}`;
      throw new PoolkeeperError('JournalUnavailable', message, { cause });
    } finally {
      if (this.#writes.get(uid) === now) this.#writes.delete(uid);
    }
  }

  #path(uid: string): string {
    return `${this.#directory}/${uid}.json`;
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

function describeNewer(version: number): string {
  return (
    `The node's record of this mount has format ${version}, this agent writes ${FORMAT_VERSION}: ` +
    'a newer agent was here. Nothing is done until the agent is that new again.'
  );
}
