// Tells people what happened to an object, as events.k8s.io/v1 Events on it.
//
// Recording never throws and never waits. Repeats within ten minutes are counted in one Event; each
// object may speak 25 times at once and then once in five minutes; what can't be sent is dropped
// and counted, because events are for people and the truth is in the status.
import { events } from '../api/built-in.ts';
import type { AnyObject, DeepReadonly } from '../api/object.ts';
import { formatMicroTime, sleep } from '../runtime/clock.ts';
import { messageOf } from '../runtime/errors.ts';
import type { Runtime } from '../runtime/index.ts';
import type { CounterMetric } from '../runtime/metrics.ts';
import type { KubeClient } from './client.ts';
import { ApiError, isAlreadyExists, isNotFound } from './errors.ts';
import { EventLimiter } from './event-limiter.ts';

export type EventType = 'Normal' | 'Warning';

export interface EventRecorder {
  /**
   * `reason`: what happened, CamelCase, at most 128 characters. `action`: what was being done,
   * likewise. `note`: a sentence for a person, cut at 1024 bytes.
   */
  event(
    object: DeepReadonly<AnyObject>,
    type: EventType,
    reason: string,
    action: string,
    note: string,
  ): void;
  /** Resolves when everything recorded so far was sent or given up. */
  flush(): Promise<void>;
}

export interface EventRecorderOptions {
  readonly runtime: Runtime;
  readonly client: KubeClient;
  /** `poolkeeper.dev/controller`. */
  readonly reportingController: string;
  /** The pod's or host's name. */
  readonly reportingInstance: string;
}

const SERIES_MILLISECONDS = 10 * 60_000;
const MAX_SERIES = 4096;
const MAX_QUEUED = 1000;
const MAX_NOTE_BYTES = 1024;
const MAX_WORD_LENGTH = 128;
const ATTEMPTS = 3;
const RETRY_MILLISECONDS = 2000;

/** One Event on the server and how often it has happened. */
interface Series {
  readonly namespace: string;
  readonly name: string;
  readonly body: object;
  count: number;
  lastAt: number;
  /** Whether the Event exists on the server. */
  created: boolean;
  queued: boolean;
}

export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  return new Recorder(options);
}

class Recorder implements EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #runtime: Runtime;
  readonly #limiter: EventLimiter;
  readonly #discarded: CounterMetric;
  /** Oldest first. */
  readonly #series = new Map<string, Series>();
  readonly #queue: Series[] = [];
  #sending: Promise<void> | undefined;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#runtime = options.runtime;
    this.#limiter = new EventLimiter(options.runtime.clock);
    this.#discarded = options.runtime.metrics.counter(
      'poolkeeper_events_discarded_total',
      'Events that were not sent.',
      ['cause'],
    );
  }

  event(
    object: DeepReadonly<AnyObject>,
    type: EventType,
    reason: string,
    action: string,
    note: string,
  ): void {
    const { uid } = object.metadata;
    const key = JSON.stringify([uid, type, reason, action, note]);
    const now = this.#runtime.clock.now();
    this.#forgetOld(now);
    let series = this.#series.get(key);
    if (series) {
      series.count++;
      series.lastAt = now;
      this.#series.delete(key);
    } else {
      series = this.#begin(object, { type, reason, action, note }, now);
    }
    this.#series.set(key, series);
    if (series.queued) return;
    if (!this.#limiter.allows(uid)) this.#discarded.increment({ cause: 'rate' });
    else if (this.#queue.length >= MAX_QUEUED) this.#discarded.increment({ cause: 'queue' });
    else this.#enqueue(series);
  }

  async flush(): Promise<void> {
    while (this.#sending) await this.#sending;
  }

  #begin(
    object: DeepReadonly<AnyObject>,
    said: { type: EventType; reason: string; action: string; note: string },
    now: number,
  ): Series {
    const { metadata } = object;
    // Events of cluster-scoped objects live where kubectl looks for them.
    const namespace = metadata.namespace ?? 'default';
    const suffix = Buffer.from(this.#runtime.random.bytes(8)).toString('hex');
    const name = `${metadata.name.slice(0, 230)}.${suffix}`;
    const body = {
      metadata: { name, namespace },
      eventTime: formatMicroTime(now),
      type: said.type,
      reason: said.reason.slice(0, MAX_WORD_LENGTH),
      action: said.action.slice(0, MAX_WORD_LENGTH),
      note: cut(said.note),
      regarding: {
        apiVersion: object.apiVersion,
        kind: object.kind,
        ...(metadata.namespace && { namespace: metadata.namespace }),
        name: metadata.name,
        uid: metadata.uid,
        resourceVersion: metadata.resourceVersion,
      },
      reportingController: this.#options.reportingController,
      reportingInstance: this.#options.reportingInstance.slice(0, MAX_WORD_LENGTH),
    };
    return { namespace, name, body, count: 1, lastAt: now, created: false, queued: false };
  }

  #enqueue(series: Series): void {
    series.queued = true;
    this.#queue.push(series);
    this.#sending ??= this.#drain();
  }

  async #drain(): Promise<void> {
    for (let series = this.#queue.shift(); series; series = this.#queue.shift()) {
      // What repeats from here on belongs to the next update.
      series.queued = false;
      await this.#send(series);
    }
    this.#sending = undefined;
  }

  async #send(series: Series): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#write(series);
        series.created = true;
        return;
      } catch (error) {
        // Gone after its hour on the server: start it again.
        if (isNotFound(error) && series.created) series.created = false;
        else if (attempt >= ATTEMPTS || isRefused(error)) {
          this.#discarded.increment({ cause: 'error' });
          this.#runtime.log.debug('an event was not sent', { detail: messageOf(error) });
          return;
        } else await sleep(this.#runtime.clock, RETRY_MILLISECONDS * attempt);
      }
    }
  }

  async #write(series: Series): Promise<void> {
    const { namespace, name, count, lastAt } = series;
    const { client } = this.#options;
    const repeated = { series: { count, lastObservedTime: formatMicroTime(lastAt) } };
    if (series.created) {
      await client.mergePatch(events, { namespace, name }, repeated);
      return;
    }
    try {
      await client.create(events, { ...series.body, ...(count > 1 && repeated) });
    } catch (error) {
      // An earlier attempt got through although its answer did not.
      if (!isAlreadyExists(error)) throw error;
    }
  }

  #forgetOld(now: number): void {
    for (const [key, series] of this.#series) {
      const isOld = now - series.lastAt >= SERIES_MILLISECONDS;
      if (!isOld && this.#series.size <= MAX_SERIES) return;
      this.#series.delete(key);
    }
  }
}

/** The server won't take it, now or later: invalid, forbidden, a namespace on its way out. */
function isRefused(error: unknown): boolean {
  return error instanceof ApiError && error.status < 500 && error.status !== 429;
}

/** At most 1024 bytes of UTF-8, never half a character. */
function cut(note: string): string {
  const bytes = Buffer.from(note);
  if (bytes.length <= MAX_NOTE_BYTES) return note;
  const ellipsis = '…';
  let end = MAX_NOTE_BYTES - Buffer.byteLength(ellipsis);
  while (end > 0 && (bytes[end]! & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end).toString('utf8') + ellipsis;
}
