// Hands events to a slow store behind a bounded queue. Reconciles only ever push: a store that is
// slow, away or full costs events (the oldest first, counted), never a reconcile.
import { sleep } from '../runtime/clock.ts';
import { messageOf, PoolkeeperError } from '../runtime/errors.ts';
import type { Runtime } from '../runtime/index.ts';
import { jitter } from '../runtime/random.ts';
import type { HistoryEvent, HistorySink, HistoryStore, KeptEvent } from './port.ts';

export interface HistoryRecorder extends HistorySink {
  /** Writes what is queued, for a few seconds at most, and ends. */
  close(): Promise<void>;
}

export interface HistoryRecorderOptions {
  readonly runtime: Runtime;
  readonly store: HistoryStore;
  /** Default 10,000: some minutes of a busy day, a few megabytes. */
  readonly maxQueued?: number;
}

const MAX_QUEUED = 10_000;
/** Azure takes a hundred entities in a transaction. */
const MAX_BATCH = 100;
/** Events gather for so long, because a transaction of many costs what one of one does. */
const GATHER_MILLISECONDS = 2000;
const TIMEOUT_MILLISECONDS = 10_000;
const FIRST_BACKOFF_MILLISECONDS = 2000;
const LONGEST_BACKOFF_MILLISECONDS = 120_000;
const CLOSE_MILLISECONDS = 5000;
const ID_BYTES = 6;

export function createHistoryRecorder(options: HistoryRecorderOptions): HistoryRecorder {
  return new BufferedRecorder(options);
}

class BufferedRecorder implements HistoryRecorder {
  readonly #runtime: Runtime;
  readonly #store: HistoryStore;
  readonly #maxQueued: number;
  readonly #queue: KeptEvent[] = [];
  readonly #written;
  readonly #dropped;
  readonly #failures;
  readonly #closing = new AbortController();
  #writing: Promise<void> | undefined;
  #failedInARow = 0;

  constructor({ runtime, store, maxQueued = MAX_QUEUED }: HistoryRecorderOptions) {
    this.#runtime = runtime;
    this.#store = store;
    this.#maxQueued = maxQueued;
    const { metrics } = runtime;
    this.#written = metrics.counter('poolkeeper_history_written_total', 'Events kept as history.');
    this.#dropped = metrics.counter(
      'poolkeeper_history_dropped_total',
      'Events lost to history, by cause: the queue was full, the store refused, the end came.',
      ['cause'],
    );
    this.#failures = metrics.counter(
      'poolkeeper_history_failures_total',
      'Attempts to write history that failed.',
    );
    const queued = metrics.gauge(
      'poolkeeper_history_queued_events',
      'Events that wait to be written as history.',
    );
    metrics.beforeScrape(() => queued.set(this.#queue.length));
  }

  record(event: HistoryEvent): void {
    if (this.#closing.signal.aborted) {
      this.#dropped.increment({ cause: 'closed' });
      return;
    }
    const id = Buffer.from(this.#runtime.random.bytes(ID_BYTES)).toString('hex');
    this.#queue.push({ event, id });
    if (this.#queue.length > this.#maxQueued) {
      this.#queue.shift();
      this.#dropped.increment({ cause: 'queue' });
    }
    this.#writing ??= this.#writeAll();
  }

  async close(): Promise<void> {
    this.#closing.abort(new PoolkeeperError('Stopping', 'the history is closing'));
    const { clock } = this.#runtime;
    const over = new AbortController();
    await Promise.race([
      sleep(clock, CLOSE_MILLISECONDS, over.signal).catch(() => {}),
      this.#writing,
    ]);
    over.abort();
    const left = this.#queue.splice(0);
    if (left.length > 0) this.#dropped.increment({ cause: 'closed' }, left.length);
  }

  async #writeAll(): Promise<void> {
    await this.#pause(GATHER_MILLISECONDS);
    while (this.#queue.length > 0) {
      const batch = this.#queue.slice(0, MAX_BATCH);
      const written = await this.#write(batch);
      // Asked to end: one attempt for each batch, no waiting.
      if (!written && this.#closing.signal.aborted) break;
      if (!written) await this.#pause(this.#backoff());
    }
    this.#writing = undefined;
  }

  async #write(batch: readonly KeptEvent[]): Promise<boolean> {
    const { clock, log } = this.#runtime;
    const timeout = new AbortController();
    const cancel = clock.schedule(TIMEOUT_MILLISECONDS, () => timeout.abort());
    try {
      await this.#store.write(batch, timeout.signal);
      this.#failedInARow = 0;
      this.#written.increment({}, batch.length);
      this.#forget(batch);
      return true;
    } catch (error) {
      this.#failures.increment();
      const isRefused = error instanceof PoolkeeperError && error.retry === 'never';
      // Once when it begins: a store that is away for a day must not fill the log.
      if (this.#failedInARow++ === 0) {
        log.warn('history was not written', { detail: messageOf(error), events: batch.length });
      }
      if (!isRefused) return false;
      this.#dropped.increment({ cause: 'refused' }, batch.length);
      this.#forget(batch);
      return true;
    } finally {
      cancel();
    }
  }

  /** A full queue may have dropped some of the batch while it was being written. */
  #forget(batch: readonly KeptEvent[]): void {
    const done = new Set(batch);
    let count = 0;
    while (count < batch.length && this.#queue[count] && done.has(this.#queue[count]!)) count++;
    this.#queue.splice(0, count);
  }

  #backoff(): number {
    const grown = FIRST_BACKOFF_MILLISECONDS * 2 ** Math.min(this.#failedInARow - 1, 10);
    return jitter(this.#runtime.random, Math.min(grown, LONGEST_BACKOFF_MILLISECONDS), 0.2);
  }

  /** Cut short when the recorder closes. */
  async #pause(milliseconds: number): Promise<void> {
    await sleep(this.#runtime.clock, milliseconds, this.#closing.signal).catch(() => {});
  }
}
