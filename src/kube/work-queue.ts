// A queue of keys: each waits at most once, is never worked on twice at a time, and comes back
// once more if it was added while being worked on.
import type { Runtime } from '../runtime/index.ts';
import { jitter } from '../runtime/random.ts';
import { DueKeys, type Fairness, URGENT_PRIORITY } from './due-keys.ts';
import { Heap } from './heap.ts';
import type { Key } from './object-key.ts';
import { WorkQueueMetrics } from './work-queue-metrics.ts';

export const PRIORITY = { high: URGENT_PRIORITY, normal: 0, low: -100 } as const;

export interface AddOptions {
  /** Higher goes first; adding again keeps the highest. Default: normal. */
  readonly priority?: number;
}

export interface WorkItem {
  readonly key: Key;
  readonly priority: number;
}

export interface TakeOptions {
  /** Keys of a lower priority are left to others. Default: any. */
  readonly atLeast?: number;
}

export interface WorkQueue {
  add(key: Key, options?: AddOptions): void;
  /** The earliest of several due times wins. */
  addAfter(key: Key, delayMilliseconds: number, options?: AddOptions): void;
  /** Adds after the key's own growing delay, or `atLeastMilliseconds` if that is longer. */
  addWithBackoff(key: Key, options?: AddOptions & { readonly atLeastMilliseconds?: number }): void;
  /** Resets the key's back-off. */
  forget(key: Key): void;
  /** How often the key was added with back-off since it was last forgotten. */
  retries(key: Key): number;
  /** The next key to work on; undefined once the queue is shut down. Pair it with `done`. */
  take(options?: TakeOptions): Promise<WorkItem | undefined>;
  done(key: Key): void;
  /** Hands out nothing more; resolves when everything handed out is done. */
  shutDown(): Promise<void>;
  /** Keys that could be worked on now. */
  readonly length: number;
}

export interface WorkQueueOptions {
  readonly name: string;
  readonly runtime: Runtime;
  /** Delay of the first retry; doubles with each. Default 5 ms. */
  readonly firstBackoffMilliseconds?: number;
  /** Default 5 minutes. */
  readonly longestBackoffMilliseconds?: number;
  /** How the keys of several owners share the workers. Default: in order of arrival. */
  readonly fairness?: Fairness | undefined;
}

export function createWorkQueue(options: WorkQueueOptions): WorkQueue {
  return new PriorityWorkQueue(options);
}

const FIRST_BACKOFF_MILLISECONDS = 5;
const LONGEST_BACKOFF_MILLISECONDS = 5 * 60_000;
const BACKOFF_JITTER = 0.1;
const MAX_OUTDATED_COPIES = 1000;

/** A key's one place in the queue. Replaced, never changed: a copy in a heap may be out of date. */
interface Entry extends WorkItem {
  readonly dueAt: number;
  /** False while it waits for its time. */
  readonly isDue: boolean;
  readonly order: number;
}

type Taker = (item: WorkItem | undefined) => void;

class PriorityWorkQueue implements WorkQueue {
  readonly #runtime: Runtime;
  readonly #metrics: WorkQueueMetrics;
  readonly #firstBackoff: number;
  readonly #longestBackoff: number;
  readonly #entries = new Map<Key, Entry>();
  readonly #working = new Set<Key>();
  readonly #failures = new Map<Key, number>();
  readonly #due: DueKeys<Entry>;
  readonly #later = new Heap<Entry>((one, other) => one.dueAt < other.dueAt);
  /** Workers that wait, by the least priority they take; the choosiest are served first. */
  readonly #takers = new Map<number, Taker[]>();
  #order = 0;
  #timer: { readonly dueAt: number; readonly cancel: () => void } | undefined;
  #stopped = false;
  #whenIdle: (() => void) | undefined;

  constructor(options: WorkQueueOptions) {
    this.#runtime = options.runtime;
    this.#metrics = new WorkQueueMetrics(options.name, options.runtime);
    this.#due = new DueKeys((entry) => this.#entries.get(entry.key) === entry, options.fairness);
    this.#firstBackoff = options.firstBackoffMilliseconds ?? FIRST_BACKOFF_MILLISECONDS;
    this.#longestBackoff = options.longestBackoffMilliseconds ?? LONGEST_BACKOFF_MILLISECONDS;
  }

  add(key: Key, options: AddOptions = {}): void {
    this.addAfter(key, 0, options);
  }

  addAfter(key: Key, delayMilliseconds: number, options: AddOptions = {}): void {
    if (this.#stopped) return;
    const now = this.#runtime.clock.monotonic();
    const known = this.#entries.get(key);
    const priority = Math.max(options.priority ?? PRIORITY.normal, known?.priority ?? -Infinity);
    const dueAt = Math.min(now + Math.max(0, delayMilliseconds), known?.dueAt ?? Infinity);
    if (known && known.priority === priority && known.dueAt === dueAt) return;
    // Those due already keep their place in line; a later one joins when its time comes.
    const order = known?.isDue ? known.order : this.#order++;
    const entry = { key, priority, dueAt, isDue: dueAt <= now, order };
    if (known?.isDue) this.#metrics.depthChanged(known.priority, -1);
    if (!known) this.#metrics.added();
    this.#entries.set(key, entry);
    if (entry.isDue) this.#becomeDue(entry);
    else this.#wait(entry);
  }

  addWithBackoff(
    key: Key,
    options: AddOptions & { readonly atLeastMilliseconds?: number } = {},
  ): void {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    this.#metrics.retried();
    const grown = Math.min(this.#firstBackoff * 2 ** Math.min(failures, 30), this.#longestBackoff);
    const delay = jitter(this.#runtime.random, grown, BACKOFF_JITTER);
    this.addAfter(key, Math.max(delay, options.atLeastMilliseconds ?? 0), options);
  }

  forget(key: Key): void {
    this.#failures.delete(key);
  }

  retries(key: Key): number {
    return this.#failures.get(key) ?? 0;
  }

  take({ atLeast = Number.NEGATIVE_INFINITY }: TakeOptions = {}): Promise<WorkItem | undefined> {
    if (this.#stopped) return Promise.resolve(undefined);
    const entry = this.#due.take(atLeast);
    if (entry) return Promise.resolve(this.#handOut(entry));
    return new Promise((resolve) => this.#takersOf(atLeast).push(resolve));
  }

  done(key: Key): void {
    this.#working.delete(key);
    this.#due.finished(key);
    this.#metrics.finished(key);
    const again = this.#entries.get(key);
    if (again?.isDue) this.#due.add(again);
    this.#dispatch();
    if (this.#working.size === 0) this.#whenIdle?.();
  }

  async shutDown(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#entries.clear();
    this.#failures.clear();
    this.#due.clear();
    for (const takers of this.#takers.values())
      for (const taker of takers.splice(0)) taker(undefined);
    if (this.#working.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#whenIdle = resolve;
    });
  }

  get length(): number {
    let due = 0;
    for (const entry of this.#entries.values()) if (entry.isDue) due++;
    return due;
  }

  #becomeDue(entry: Entry): void {
    this.#metrics.depthChanged(entry.priority, 1);
    // One that is being worked on is offered again when that is done.
    if (this.#working.has(entry.key)) return;
    this.#due.add(entry);
    this.#dispatch();
  }

  #dispatch(): void {
    for (const [atLeast, takers] of this.#takers) {
      while (takers.length > 0) {
        const entry = this.#due.take(atLeast);
        if (!entry) break;
        takers.shift()!(this.#handOut(entry));
      }
    }
  }

  #takersOf(atLeast: number): Taker[] {
    const known = this.#takers.get(atLeast);
    if (known) return known;
    const added: Taker[] = [];
    const all = [...this.#takers, [atLeast, added] as const].sort(([one], [other]) => other - one);
    this.#takers.clear();
    for (const [level, takers] of all) this.#takers.set(level, takers);
    return added;
  }

  #handOut(entry: Entry): WorkItem {
    this.#entries.delete(entry.key);
    this.#working.add(entry.key);
    this.#metrics.depthChanged(entry.priority, -1);
    this.#metrics.started(entry.key, entry.dueAt);
    return { key: entry.key, priority: entry.priority };
  }

  #wait(entry: Entry): void {
    this.#later.push(entry);
    // Copies that were overtaken would otherwise stay until their time comes.
    if (this.#later.size > 2 * this.#entries.size + MAX_OUTDATED_COPIES)
      this.#later.retain((copy) => this.#entries.get(copy.key) === copy);
    this.#arm();
  }

  /** One timer, for the earliest of all that wait. */
  #arm(): void {
    const next = this.#later.peek();
    if (!next || this.#stopped) return;
    if (this.#timer && this.#timer.dueAt <= next.dueAt) return;
    this.#timer?.cancel();
    const delay = next.dueAt - this.#runtime.clock.monotonic();
    const cancel = this.#runtime.clock.schedule(delay, () => this.#onTimer());
    this.#timer = { dueAt: next.dueAt, cancel };
  }

  #onTimer(): void {
    this.#timer = undefined;
    const now = this.#runtime.clock.monotonic();
    for (let next = this.#later.peek(); next && next.dueAt <= now; next = this.#later.peek()) {
      this.#later.pop();
      if (this.#entries.get(next.key) !== next) continue;
      const entry = { ...next, isDue: true, order: this.#order++ };
      this.#entries.set(entry.key, entry);
      this.#becomeDue(entry);
    }
    this.#arm();
  }
}
