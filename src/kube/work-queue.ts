// A queue of keys: each waits at most once, is never worked on twice at a time, and comes back
// once more if it was added while being worked on.
import type { Key } from './object-key.ts';

export const PRIORITY = { high: 100, normal: 0, low: -100 } as const;

export interface AddOptions {
  /** Higher goes first; adding again keeps the highest. Default: normal. */
  readonly priority?: number;
}

export interface WorkItem {
  readonly key: Key;
  readonly priority: number;
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
  take(): Promise<WorkItem | undefined>;
  done(key: Key): void;
  /** Hands out nothing more; resolves when everything handed out is done. */
  shutDown(): Promise<void>;
  /** Keys that could be worked on now. */
  readonly length: number;
}
