// What Resource Graph knows: every change arrives late, by a delay drawn for each, in order per
// resource. A while of history is kept, so that a query can also be answered from the past.

import type { Cloud } from '../calls.ts';
import { drawMilliseconds } from '../durations.ts';
import { effectOf } from '../faults.ts';
import { idKey, parseResourceId } from '../resource-ids.ts';
import type { ResourceChange } from '../resource-store.ts';
import type { Row } from './conditions.ts';
import { rowOf } from './rows.ts';

interface Version {
  readonly visibleAt: number;
  /** Undefined: from then on it is gone. */
  readonly row: Row | undefined;
}

/** How far back a query may be answered from. */
const HISTORY_MILLISECONDS = 15 * 60_000;

export class LaggingIndex {
  readonly #versions = new Map<string, Version[]>();
  readonly #cloud: Cloud;

  constructor(cloud: Cloud) {
    this.#cloud = cloud;
    cloud.resources.onChange((change) => this.#follow(change));
  }

  /** The rows that were visible at that time. */
  rowsAt(time: number): Row[] {
    const rows: Row[] = [];
    for (const versions of this.#versions.values()) {
      const row = versions.findLast((version) => version.visibleAt <= time)?.row;
      if (row) rows.push(row);
    }
    return rows;
  }

  #follow(change: ResourceChange): void {
    const { runtime, settings, faults } = this.#cloud;
    const effects = faults.take('resourceGraph.index', parseResourceId(change.id)?.name);
    const injected = effectOf(effects, 'graphLag');
    const lag = injected
      ? (injected.seconds * 1000) / settings.speed
      : drawMilliseconds(runtime.random, settings.graphLag, settings.speed);
    const key = idKey(change.id);
    const versions = this.#versions.get(key) ?? [];
    const visibleAt = Math.max(change.at + lag, versions.at(-1)?.visibleAt ?? 0);
    const row = change.record && rowOf(change.record, settings.tenantId, change.at);
    const kept = prune(versions, change.at - HISTORY_MILLISECONDS);
    kept.push({ visibleAt, row });
    this.#versions.set(key, kept);
  }

  /** Drops what nobody can see any more; called now and then. */
  forgetHistory(now: number): void {
    for (const [key, versions] of this.#versions) {
      const kept = prune(versions, now - HISTORY_MILLISECONDS);
      if (kept.length === 1 && kept[0]!.row === undefined && kept[0]!.visibleAt <= now)
        this.#versions.delete(key);
      else this.#versions.set(key, kept);
    }
  }
}

function prune(versions: Version[], before: number): Version[] {
  const firstNeeded = versions.findLastIndex((version) => version.visibleAt <= before);
  return firstNeeded > 0 ? versions.slice(firstNeeded) : versions;
}
