// Runs a reconcile function over a work queue; the only place where its results become retries.
import { assert } from '../runtime/assert.ts';
import { messageOf, PoolkeeperError } from '../runtime/errors.ts';
import type { Runtime } from '../runtime/index.ts';
import type { Log } from '../runtime/log.ts';
import { ControllerMetrics } from './controller-metrics.ts';
import type { Fairness } from './due-keys.ts';
import { isConflict } from './errors.ts';
import type { Key } from './object-key.ts';
import {
  createWorkQueue,
  PRIORITY,
  type TakeOptions,
  type WorkItem,
  type WorkQueue,
} from './work-queue.ts';

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

/**
 * A thrown error is the same as `retry`. The signal is aborted when the controller stops or the
 * reconcile takes too long; the log carries the controller, the key and this run's id.
 */
export type Reconcile = (key: Key, signal: AbortSignal, log: Log) => Promise<Result>;

export interface ControllerOptions {
  readonly name: string;
  readonly runtime: Runtime;
  readonly reconcile: Reconcile;
  /** Reconciles running at the same time, never two of one key. Default 1. */
  readonly workers?: number;
  /** So many of the workers take keys of high priority only. Default 0. */
  readonly urgentWorkers?: number;
  /** How the keys of several owners share the workers. Default: in order of arrival. */
  readonly fairness?: Fairness;
  /** Default: one of its own under the controller's name. */
  readonly queue?: WorkQueue;
  /** Workers start once this resolves: caches synced, leadership won. */
  readonly startWhen?: Promise<unknown>;
  /** False postpones a key whose caches are older than our own writes. */
  readonly ready?: (key: Key) => boolean;
  /** The signal of a reconcile that takes longer is aborted. Default 10 minutes. */
  readonly timeoutMilliseconds?: number;
}

export interface Controller {
  readonly name: string;
  /** Accepts keys from the moment the controller exists. */
  readonly queue: WorkQueue;
  /** Hands out no further keys, aborts the signal of running reconciles, waits for them to end. */
  stop(): Promise<void>;
}

const RECHECK_FAILED_MILLISECONDS = 10 * 60_000;
const TIMEOUT_MILLISECONDS = 10 * 60_000;

export function runController(options: ControllerOptions): Controller {
  return new RunningController(options);
}

class RunningController implements Controller {
  readonly name: string;
  readonly queue: WorkQueue;
  readonly #options: ControllerOptions;
  readonly #runtime: Runtime;
  readonly #log: Log;
  readonly #metrics: ControllerMetrics;
  /** Of the reconciles running now; kept by hand because signals derived from one live long. */
  readonly #running = new Set<AbortController>();
  #stopping = false;
  #runs = 0;

  constructor(options: ControllerOptions) {
    const { name, runtime } = options;
    const { workers = 1, urgentWorkers: urgent = 0 } = options;
    assert(urgent < workers, 'some workers must take any key');
    this.name = name;
    this.#options = options;
    this.#runtime = runtime;
    this.#log = runtime.log.child({ controller: name });
    this.#metrics = new ControllerMetrics(name, runtime.metrics, workers);
    this.queue = options.queue ?? createWorkQueue({ name, runtime, fairness: options.fairness });
    const start = (): void => {
      for (let worker = 0; worker < workers; worker++) {
        void this.#work(worker < urgent ? { atLeast: PRIORITY.high } : {});
      }
    };
    // Whoever made the promise reports why it failed; here it only means: never start.
    if (options.startWhen) options.startWhen.then(start, () => {});
    else start();
  }

  async stop(): Promise<void> {
    const idle = this.queue.shutDown();
    this.#stopping = true;
    for (const run of this.#running)
      run.abort(new PoolkeeperError('Stopping', 'the controller is stopping'));
    await idle;
  }

  async #work(wanted: TakeOptions): Promise<void> {
    for (let item = await this.queue.take(wanted); item; item = await this.queue.take(wanted)) {
      await this.#reconcile(item);
      this.queue.done(item.key);
    }
  }

  async #reconcile(item: WorkItem): Promise<void> {
    if (this.#options.ready?.(item.key) === false) {
      this.#metrics.skippedStale();
      this.queue.addWithBackoff(item.key, item);
      return;
    }
    const log = this.#log.child({ key: item.key, reconcile: `${++this.#runs}` });
    const run = new AbortController();
    this.#running.add(run);
    const cancel = this.#runtime.clock.schedule(
      this.#options.timeoutMilliseconds ?? TIMEOUT_MILLISECONDS,
      () => {
        this.#metrics.timedOut();
        run.abort(new PoolkeeperError('ReconcileTimeout', 'the reconcile took too long'));
      },
    );
    const startedAt = this.#runtime.clock.monotonic();
    const end = this.#metrics.started();
    const result = await this.#run(item.key, run.signal, log);
    cancel();
    this.#running.delete(run);
    end((this.#runtime.clock.monotonic() - startedAt) / 1000, this.#settle(item, result, log));
  }

  async #run(key: Key, signal: AbortSignal, log: Log): Promise<Result> {
    try {
      return await this.#options.reconcile(key, signal, log);
    } catch (error) {
      return { type: 'retry', error };
    }
  }

  /** Puts the key back as its result demands; returns the word the metrics use for it. */
  #settle(item: WorkItem, result: Result, log: Log): 'success' | 'requeue_after' | 'error' {
    const { key, priority } = item;
    if (result.type === 'retry') {
      this.#retry(item, result.error, log);
      return 'error';
    }
    this.queue.forget(key);
    if (result.type === 'done') return 'success';
    if (result.type === 'wait') {
      const delay =
        'afterMilliseconds' in result
          ? result.afterMilliseconds
          : result.untilMilliseconds - this.#runtime.clock.now();
      log.debug('waiting', { why: result.why, milliseconds: delay });
      this.queue.addAfter(key, delay, { priority });
      return 'requeue_after';
    }
    this.#metrics.failedForGood();
    log.warn('reconcile failed; only a change helps', {
      reason: result.reason,
      detail: result.message,
    });
    this.queue.addAfter(key, RECHECK_FAILED_MILLISECONDS, { priority: PRIORITY.low });
    return 'error';
  }

  #retry(item: WorkItem, error: unknown, log: Log): void {
    const known = error instanceof PoolkeeperError ? error : undefined;
    const asked = known?.retryAfterMilliseconds;
    this.queue.addWithBackoff(item.key, {
      priority: item.priority,
      ...(asked === undefined ? {} : { atLeastMilliseconds: asked }),
    });
    if (this.#stopping) return;
    const fields = { code: known?.code, attempt: this.queue.retries(item.key) };
    // Losing a race is how optimistic locking works; the next round decides on newer state.
    if (isConflict(error)) log.debug('reconcile lost a race', fields);
    else if (known) log.warn('reconcile will be retried', { ...fields, detail: messageOf(error) });
    else log.error('reconcile threw', { ...fields, error });
  }
}
