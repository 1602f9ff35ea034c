// The keys whose time has come, handed out fairly: higher priorities first, groups in turn within one
// priority, in order of arrival within a group. A group that has enough keys in work waits, so that
// whatever hangs in one of them holds up no other.
import { Heap } from './heap.ts';
import type { Key } from './object-key.ts';

/** From here on a key counts as urgent. */
export const URGENT_PRIORITY = 100;

export interface DueKey {
  readonly key: Key;
  readonly priority: number;
  /** Grows with each arrival. */
  readonly order: number;
}

export interface Fairness {
  /** Whom a key belongs to; asked when it becomes due. */
  readonly groupOf: (key: Key) => string;
  /** Keys of a group that may be in work at a time; urgent ones may be as many again. */
  readonly maxPerGroup: number;
}

interface Place {
  readonly group: string;
  readonly isUrgent: boolean;
}

const ONE_FOR_ALL: Fairness = { groupOf: () => '', maxPerGroup: Number.POSITIVE_INFINITY };

export class DueKeys<V extends DueKey> {
  readonly #fairness: Fairness;
  readonly #isCurrent: (entry: V) => boolean;
  /** Groups with keys that wait, those served last at the end. */
  readonly #waiting = new Map<string, Heap<V>>();
  readonly #working = new Map<Key, Place>();
  readonly #counts = new Map<string, { usual: number; urgent: number }>();

  /** `isCurrent` is false for an entry that was replaced since it was added. */
  constructor(isCurrent: (entry: V) => boolean, fairness: Fairness = ONE_FOR_ALL) {
    this.#isCurrent = isCurrent;
    this.#fairness = fairness;
  }

  add(entry: V): void {
    const group = this.#fairness.groupOf(entry.key);
    const known = this.#waiting.get(group);
    const heap = known ?? new Heap<V>(isBefore);
    heap.push(entry);
    if (!known) this.#waiting.set(group, heap);
  }

  /** The next entry of at least this priority, now in work; undefined when there is none to be had. */
  take(atLeast: number): V | undefined {
    let best: { readonly group: string; readonly entry: V } | undefined;
    for (const [group, heap] of this.#waiting) {
      const entry = this.#first(heap);
      if (!entry) this.#waiting.delete(group);
      else if (entry.priority >= atLeast && this.#hasRoom(group, entry)) {
        if (!best || entry.priority > best.entry.priority) best = { group, entry };
        if (best.entry.priority >= URGENT_PRIORITY) break;
      }
    }
    if (!best) return undefined;
    this.#start(best.group, best.entry);
    return best.entry;
  }

  finished(key: Key): void {
    const place = this.#working.get(key);
    if (!place) return;
    this.#working.delete(key);
    const count = this.#counts.get(place.group)!;
    count[place.isUrgent ? 'urgent' : 'usual']--;
    if (count.usual + count.urgent === 0) this.#counts.delete(place.group);
  }

  clear(): void {
    this.#waiting.clear();
  }

  #start(group: string, entry: V): void {
    const heap = this.#waiting.get(group)!;
    heap.pop();
    this.#waiting.delete(group);
    if (heap.size > 0) this.#waiting.set(group, heap);
    const isUrgent = entry.priority >= URGENT_PRIORITY;
    this.#working.set(entry.key, { group, isUrgent });
    const count = this.#counts.get(group) ?? { usual: 0, urgent: 0 };
    count[isUrgent ? 'urgent' : 'usual']++;
    this.#counts.set(group, count);
  }

  #first(heap: Heap<V>): V | undefined {
    for (let entry = heap.peek(); entry; entry = heap.peek()) {
      if (this.#isCurrent(entry)) return entry;
      heap.pop();
    }
    return undefined;
  }

  #hasRoom(group: string, { priority }: V): boolean {
    const count = this.#counts.get(group);
    if (!count) return true;
    const used = priority >= URGENT_PRIORITY ? count.urgent : count.usual;
    return used < this.#fairness.maxPerGroup;
  }
}

function isBefore(one: DueKey, other: DueKey): boolean {
  return (
    one.priority > other.priority || (one.priority === other.priority && one.order < other.order)
  );
}
