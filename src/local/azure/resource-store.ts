// Everything that exists in the simulated cloud, by id, with one stream of changes that Resource
// Graph and persistence follow.

import type { ResourceKind, ResourceRecord } from './records.ts';
import { idKey } from './resource-ids.ts';

export type RecordOf<K extends ResourceKind> = Extract<ResourceRecord, { kind: K }>;

export interface ResourceChange {
  readonly id: string;
  readonly at: number;
  /** Undefined: it was deleted. */
  readonly record: ResourceRecord | undefined;
}

export class ResourceStore {
  readonly #records = new Map<string, ResourceRecord>();
  /** The same records by kind, so that listings don't walk over everything. */
  readonly #byKind = new Map<ResourceKind, Map<string, ResourceRecord>>();
  /** Deleted resources that reads still answer for a while (injected). */
  readonly #ghosts = new Map<string, { record: ResourceRecord; until: number }>();
  readonly #listeners: ((change: ResourceChange) => void)[] = [];

  onChange(listener: (change: ResourceChange) => void): void {
    this.#listeners.push(listener);
  }

  get<K extends ResourceKind>(kind: K, id: string | undefined): RecordOf<K> | undefined {
    const record = id === undefined ? undefined : this.#records.get(idKey(id));
    return record?.kind === kind ? (record as RecordOf<K>) : undefined;
  }

  has(id: string): boolean {
    return this.#records.has(idKey(id));
  }

  /** What a client is shown, which injected faults may make differ from what there is. */
  read<K extends ResourceKind>(kind: K, id: string, now: number): RecordOf<K> | undefined {
    const record = this.get(kind, id);
    if (record) return (record.hiddenUntil ?? 0) > now ? undefined : record;
    const ghost = this.#ghosts.get(idKey(id));
    if (!ghost || ghost.until <= now || ghost.record.kind !== kind) return undefined;
    return ghost.record as RecordOf<K>;
  }

  list<K extends ResourceKind>(
    kind: K,
    scope: { subscriptionId: string; resourceGroup?: string },
  ): RecordOf<K>[] {
    const subscriptionId = scope.subscriptionId.toLowerCase();
    const resourceGroup = scope.resourceGroup?.toLowerCase();
    return this.ofKind(kind).filter(
      (record) =>
        record.subscriptionId.toLowerCase() === subscriptionId &&
        (!resourceGroup || record.resourceGroup.toLowerCase() === resourceGroup),
    );
  }

  ofKind<K extends ResourceKind>(kind: K): RecordOf<K>[] {
    return [...(this.#byKind.get(kind)?.values() ?? [])] as RecordOf<K>[];
  }

  all(): ResourceRecord[] {
    return [...this.#records.values()];
  }

  /** Stores a new record, or announces that a stored one was changed in place. */
  save(record: ResourceRecord, at: number): void {
    this.#records.set(idKey(record.id), record);
    const sameKind = this.#byKind.get(record.kind) ?? new Map<string, ResourceRecord>();
    this.#byKind.set(record.kind, sameKind.set(idKey(record.id), record));
    this.#ghosts.delete(idKey(record.id));
    this.#announce({ id: record.id, at, record });
  }

  remove(id: string, at: number, options: { lingerUntil?: number } = {}): void {
    const record = this.#records.get(idKey(id));
    if (!record) return;
    this.#records.delete(idKey(id));
    this.#byKind.get(record.kind)?.delete(idKey(id));
    if (options.lingerUntil !== undefined)
      this.#ghosts.set(idKey(id), { record, until: options.lingerUntil });
    this.#announce({ id, at, record: undefined });
  }

  #announce(change: ResourceChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}
