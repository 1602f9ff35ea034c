// Runs a reconcile function over a work queue; the only place where its results become retries.

import type { AnyObject, DeepReadonly } from '../api/object.ts';
import type { Runtime } from '../runtime/index.ts';
import type { Log } from '../runtime/log.ts';
import type { Key } from './object-key.ts';
import type { Store, StoreEventType } from './store.ts';
import type { WorkQueue } from './work-queue.ts';

/** How a reconcile ended. */
export type Result =
  /** Nothing to do until something changes. */
  | { readonly type: 'done' }
  /** Look again at a wall-clock time, or after a while, even if nothing changes. */
  | { readonly type: 'wait'; readonly untilMilliseconds: number; readonly why: string }
  | { readonly type: 'wait'; readonly afterMilliseconds: number; readonly why: string }
  /** Try again with back-off; an error's own retryAfterMilliseconds is honoured. */
  | { readonly type: 'retry'; readonly error: unknown }
  /** Only a change helps; looked at again after ten minutes all the same. */
  | { readonly type: 'failed'; readonly reason: string; readonly message: string };

/** A thrown error is the same as `retry`. */
export type Reconcile = (key: Key, signal: AbortSignal, log: Log) => Promise<Result>;

export interface ControllerOptions {
  readonly name: string;
  readonly runtime: Runtime;
  readonly reconcile: Reconcile;
  /** Reconciles running at the same time, never two of one key. Default 1. */
  readonly workers?: number;
  /** Workers start once this resolves: caches synced, leadership won. */
  readonly startWhen?: Promise<unknown>;
  /** False postpones a key whose caches are older than our own writes. */
  readonly ready?: (key: Key) => boolean;
}

export interface Controller {
  /** Accepts keys from the moment the controller exists. */
  readonly queue: WorkQueue;
  /** Hands out no further keys, aborts the signal of running reconciles, waits for them to end. */
  stop(): Promise<void>;
}

export type KeysOf<T> = (
  object: DeepReadonly<T>,
  type: StoreEventType,
  old: DeepReadonly<T> | undefined,
) => readonly Key[];

export interface EnqueueOptions<T> {
  /** Default: high for nobody, low for first lists and resyncs, normal for the rest. */
  readonly priority?: number | ((object: DeepReadonly<T>) => number);
  /** Updates for which this is false enqueue nothing. */
  readonly updatesWhen?: (object: DeepReadonly<T>, old: DeepReadonly<T>) => boolean;
}

export type RunController = (options: ControllerOptions) => Controller;

export type WatchAndEnqueue = <T extends AnyObject>(
  store: Store<T>,
  queue: WorkQueue,
  keysOf: KeysOf<T>,
  options?: EnqueueOptions<T>,
) => () => void;
