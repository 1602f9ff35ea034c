// Keeps a store equal to what the API server has: list once, then watch for ever.
//
// It promises to notice every change sooner or later, whatever happens: bookmarks are the
// heartbeat that tells a quiet watch from a dead one; a watch resumes where the last one ended; a
// version the server has forgotten, or several watches that end at once, lead to a fresh list
// whose differences are shown as events; and every few hours everything is listed and shown again.
import type { AnyObject, Resource } from '../api/object.ts';
import { sleep } from '../runtime/clock.ts';
import { messageOf, PoolkeeperError } from '../runtime/errors.ts';
import type { Runtime } from '../runtime/index.ts';
import type { Log } from '../runtime/log.ts';
import type { CounterMetric, GaugeMetric } from '../runtime/metrics.ts';
import { jitter } from '../runtime/random.ts';
import type { Connection } from './connection.ts';
import { ApiError, isGone } from './errors.ts';
import { listPages, type Selection } from './list-pages.ts';
import { keyOfObject } from './object-key.ts';
import { type ObjectStore, StaleListError } from './object-store.ts';
import { openWatch, type WatchEvent } from './watch-stream.ts';
import { SilentWatchError } from './watchdog.ts';

export interface ReflectorOptions<T extends AnyObject> {
  readonly connection: Connection;
  readonly runtime: Runtime;
  readonly resource: Resource<T>;
  readonly store: ObjectStore<T>;
  readonly selection?: Selection;
  /** How many objects of the kind are cached, where this reflector fills only a part of them. */
  readonly sizeOf?: () => number;
  /** The first list starts at a random moment within this, so that a fleet doesn't act in step. */
  readonly startSpreadMilliseconds?: number;
  /** Default 10 hours. */
  readonly resyncMilliseconds?: number;
}

export interface ReflectorHealth {
  readonly synced: boolean;
  /** Epoch milliseconds at which the server last sent anything; undefined before it ever did. */
  readonly lastByteAt: number | undefined;
  /** How long ago that was. */
  readonly silentMilliseconds: number | undefined;
  readonly lists: number;
  readonly watches: number;
}

/** A watch silent for this long is dead: the server sends a bookmark every minute. */
const IDLE_MILLISECONDS = 80_000;
/** A server that ignores `sendInitialEvents` never ends the replay: don't wait for it long. */
const REPLAY_IDLE_MILLISECONDS = 10_000;
const FIRST_BACKOFF_MILLISECONDS = 800;
const LONGEST_BACKOFF_MILLISECONDS = 30_000;
/** A watch that lived this long shows that the server is well. */
const HEALTHY_MILLISECONDS = 10_000;
const SHORT_WATCH_MILLISECONDS = 1000;
/** So many watches that end at once without a word mean that the version no longer works. */
const MAX_FRUITLESS_WATCHES = 5;
const RESYNC_MILLISECONDS = 10 * 60 * 60_000;
/** After this long, a list that goes back in time is a restored backup, not a lagging server. */
const BELIEVE_STALE_LIST_MILLISECONDS = 5 * 60_000;

export class Reflector<T extends AnyObject> {
  readonly #options: ReflectorOptions<T>;
  readonly #runtime: Runtime;
  readonly #log: Log;
  readonly #watchEnds: CounterMetric;
  readonly #listCount: CounterMetric;
  readonly #objects: GaugeMetric;
  /** Where to go on watching; undefined: list first. */
  #version: string | undefined;
  #replays = true;
  #backoff = 0;
  #fruitless = 0;
  #lastByteAt: number | undefined;
  #resyncAt = 0;
  #staleSince: number | undefined;
  #lists = 0;
  #watches = 0;

  constructor(options: ReflectorOptions<T>) {
    const { metrics, log } = options.runtime;
    const labels = ['resource'];
    this.#options = options;
    this.#runtime = options.runtime;
    this.#log = log.child({ resource: options.resource.plural });
    this.#watchEnds = metrics.counter('poolkeeper_watch_ends_total', 'Watches that ended.', [
      'resource',
      'cause',
    ]);
    this.#listCount = metrics.counter('poolkeeper_lists_total', 'Full lists taken.', labels);
    this.#objects = metrics.gauge('poolkeeper_cache_objects', 'Objects in the cache.', labels);
  }

  health(): ReflectorHealth {
    const { clock } = this.#runtime;
    const at = this.#lastByteAt;
    const silentMilliseconds = at === undefined ? undefined : clock.monotonic() - at;
    return {
      synced: this.#options.store.synced,
      lastByteAt: silentMilliseconds === undefined ? undefined : clock.now() - silentMilliseconds,
      silentMilliseconds,
      lists: this.#lists,
      watches: this.#watches,
    };
  }

  /** Runs until the signal is aborted; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#runtime;
    const spread = (this.#options.startSpreadMilliseconds ?? 0) * random.next();
    await pause(spread);
    while (!signal.aborted) {
      const startedAt = clock.monotonic();
      try {
        await this.#round(signal);
        this.#settleBackoff(startedAt, 'end');
      } catch (error) {
        if (signal.aborted) return;
        this.#failed(error, startedAt);
      }
      const { store, resource, sizeOf } = this.#options;
      this.#objects.set(sizeOf ? sizeOf() : store.size, { resource: resource.plural });
      await pause(this.#backoff * (0.5 + random.next()));
    }

    async function pause(milliseconds: number): Promise<void> {
      if (milliseconds > 0) await sleep(clock, milliseconds, signal).catch(() => {});
    }
  }

  async #round(signal: AbortSignal): Promise<void> {
    if (this.#version !== undefined && this.#runtime.clock.monotonic() >= this.#resyncAt)
      this.#version = undefined;
    if (this.#version !== undefined) return this.#watch(signal, this.#version);
    if (this.#replays) return this.#watchWithReplay(signal);
    await this.#listInPages(signal);
    if (this.#version !== undefined) await this.#watch(signal, this.#version);
  }

  // --- listing -----------------------------------------------------------------------------

  async #listInPages(signal: AbortSignal): Promise<void> {
    const { connection, resource, selection } = this.#options;
    const startedAt = this.#runtime.clock.monotonic();
    const objects: T[] = [];
    let resourceVersion = '';
    for await (const page of listPages(connection, resource, { ...selection, signal })) {
      this.#heard();
      objects.push(...page.items);
      resourceVersion = page.resourceVersion;
    }
    await this.#takeList(objects, { resourceVersion, startedAt });
  }

  async #takeList(
    objects: Iterable<T>,
    listed: { readonly resourceVersion: string; readonly startedAt: number },
  ): Promise<void> {
    const { store, resource } = this.#options;
    const { clock, random } = this.#runtime;
    const again = store.synced;
    const since = this.#staleSince;
    const believe =
      since !== undefined && clock.monotonic() - since >= BELIEVE_STALE_LIST_MILLISECONDS;
    try {
      await store.replace(objects, listed, believe);
    } catch (error) {
      if (error instanceof StaleListError) this.#staleSince ??= clock.monotonic();
      throw error;
    }
    this.#staleSince = undefined;
    this.#version = listed.resourceVersion;
    this.#lists++;
    this.#listCount.increment({ resource: resource.plural });
    this.#log.debug('listed', { objects: store.size, version: listed.resourceVersion });
    if (again && clock.monotonic() >= this.#resyncAt) await store.resync();
    const period = this.#options.resyncMilliseconds ?? RESYNC_MILLISECONDS;
    if (clock.monotonic() >= this.#resyncAt)
      this.#resyncAt = clock.monotonic() + jitter(random, period, 0.1);
  }

  // --- watching ----------------------------------------------------------------------------

  /** Lists through the watch: current objects as ADDED events, then a bookmark, then changes. */
  async #watchWithReplay(signal: AbortSignal): Promise<void> {
    const startedAt = this.#runtime.clock.monotonic();
    const replayed = new Map<string, T>();
    let replaying = true;
    const idle = (): number => (replaying ? REPLAY_IDLE_MILLISECONDS : IDLE_MILLISECONDS);
    const query = { sendInitialEvents: 'true', resourceVersionMatch: 'NotOlderThan' };
    try {
      for await (const event of this.#events(signal, query, idle)) {
        if (!replaying) {
          this.#take(event);
        } else if (event.type === 'BOOKMARK') {
          if (!endsReplay(event.object)) throw new NoReplayError();
          const { resourceVersion } = event.object.metadata;
          await this.#takeList(replayed.values(), { resourceVersion, startedAt });
          replayed.clear();
          replaying = false;
        } else if (event.type === 'DELETED') {
          replayed.delete(keyOfObject(event.object));
        } else {
          replayed.set(keyOfObject(event.object), event.object);
        }
      }
    } catch (error) {
      if (replaying && meansNoReplay(error)) {
        this.#replays = false;
        this.#log.info('this server does not replay lists through watches; listing in pages');
        return;
      }
      throw error;
    }
  }

  async #watch(signal: AbortSignal, from: string): Promise<void> {
    const startedAt = this.#runtime.clock.monotonic();
    const query = { resourceVersion: from };
    let heard = false;
    for await (const event of this.#events(signal, query, () => IDLE_MILLISECONDS)) {
      heard = true;
      this.#take(event);
    }
    const short = this.#runtime.clock.monotonic() - startedAt < SHORT_WATCH_MILLISECONDS;
    this.#fruitless = short && !heard ? this.#fruitless + 1 : 0;
    if (this.#fruitless < MAX_FRUITLESS_WATCHES) return;
    this.#fruitless = 0;
    this.#version = undefined;
    this.#log.warn('several watches ended at once; listing again');
  }

  #events(
    signal: AbortSignal,
    query: Readonly<Record<string, string>>,
    idleMilliseconds: () => number,
  ): AsyncGenerator<WatchEvent<T>> {
    const { connection, resource, selection } = this.#options;
    this.#watches++;
    return openWatch<T>({
      connection,
      runtime: this.#runtime,
      resource,
      selection,
      query,
      signal,
      idleMilliseconds,
      onBytes: () => this.#heard(),
    });
  }

  #take(event: WatchEvent<T>): void {
    const { store } = this.#options;
    if (event.type === 'BOOKMARK') store.advance(event.object.metadata.resourceVersion);
    else store.take(event.type, event.object);
    this.#version = event.object.metadata.resourceVersion;
  }

  // --- failure -----------------------------------------------------------------------------

  #failed(error: unknown, startedAt: number): void {
    const detail = messageOf(error);
    if (isGone(error)) {
      this.#log.info('the server has forgotten our version; listing again', { detail });
      this.#version = undefined;
      this.#settleBackoff(startedAt, 'gone');
      return;
    }
    this.#settleBackoff(startedAt, 'error');
    const asked = error instanceof PoolkeeperError ? error.retryAfterMilliseconds : undefined;
    this.#backoff = Math.max(this.#backoff, FIRST_BACKOFF_MILLISECONDS, (asked ?? 0) * 2);
    if (error instanceof ApiError && ++this.#fruitless >= MAX_FRUITLESS_WATCHES) {
      this.#fruitless = 0;
      this.#version = undefined;
    }
    const reason = error instanceof PoolkeeperError ? error.code : 'Error';
    // The first failure in a row is everyday life: a restart, a rolling update.
    if (this.#backoff <= FIRST_BACKOFF_MILLISECONDS)
      this.#log.info('watch broke; resuming', { reason, detail });
    else this.#log.warn('watching keeps failing', { reason, detail, wait: this.#backoff });
  }

  #settleBackoff(startedAt: number, cause: 'end' | 'gone' | 'error'): void {
    this.#watchEnds.increment({ resource: this.#options.resource.plural, cause });
    const lived = this.#runtime.clock.monotonic() - startedAt;
    const heard = this.#lastByteAt !== undefined && this.#lastByteAt >= startedAt;
    if (heard && lived >= HEALTHY_MILLISECONDS) this.#backoff = 0;
    else if (this.#backoff > 0)
      this.#backoff = Math.min(this.#backoff * 2, LONGEST_BACKOFF_MILLISECONDS);
    // A single early end is nothing; it is the second in a row that must not become a storm.
    else this.#backoff = FIRST_BACKOFF_MILLISECONDS / 8;
  }

  #heard(): void {
    this.#lastByteAt = this.#runtime.clock.monotonic();
  }
}

/** A server that knows nothing of replays just watches, and sends its usual bookmark in time. */
class NoReplayError extends Error {}

function endsReplay(bookmark: {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
}): boolean {
  return bookmark.metadata.annotations?.['k8s.io/initial-events-end'] === 'true';
}

/** Refused, unknown or unfinished replays; not a server that is busy, away or shy. */
function meansNoReplay(error: unknown): boolean {
  if (error instanceof NoReplayError || error instanceof SilentWatchError) return true;
  return error instanceof ApiError && ![401, 403, 404, 429, 503].includes(error.status);
}
