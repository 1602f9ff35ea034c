// One open watch: what is already there, then every change, in order, with bookmarks between.
// A reader that falls too far behind is cut off rather than buffered without limit.
import type { Clock } from '../../../runtime/clock.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import type { Change, Shelf } from './shelf.ts';

export type WatchEvent =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: KubeObject }
  | { readonly type: 'BOOKMARK'; readonly revision: number; readonly initialEnd: boolean }
  | { readonly type: 'ERROR'; readonly status: object };

export interface WatcherOptions {
  readonly clock: Clock;
  readonly shelf: Shelf;
  /** The store's revision, for bookmarks. */
  readonly revision: () => number;
  readonly matches: (object: KubeObject) => boolean;
  readonly initial: readonly KubeObject[];
  /** Already committed changes to replay after the initial objects. */
  readonly replay: readonly Change[];
  readonly bookmarks: boolean;
  readonly initialEndBookmark: boolean;
  readonly timeoutMilliseconds: number;
}

/** Changes a reader may be behind; about two seconds of the busiest traffic we serve. */
const QUEUE_LIMIT = 10_000;
const BOOKMARK_INTERVAL_MILLISECONDS = 60_000;
/** The last bookmark comes this long before the end, so that the next watch resumes close by. */
const LAST_BOOKMARK_LEAD_MILLISECONDS = 2_000;

export class Watcher implements AsyncIterable<WatchEvent> {
  readonly #options: WatcherOptions;
  #queue: WatchEvent[] = [];
  #head = 0;
  readonly #ended = new AbortController();
  #wake: (() => void) | undefined;
  readonly #cleanUps: (() => void)[] = [];

  constructor(options: WatcherOptions) {
    this.#options = options;
    for (const object of options.initial) this.#queue.push({ type: 'ADDED', object });
    if (options.initialEndBookmark) this.#bookmark(true);
    for (const change of options.replay) this.#take(change);
    this.#cleanUps.push(options.shelf.subscribe((change) => this.#onChange(change)));
    this.#schedule(options.timeoutMilliseconds, () => this.close());
    if (options.bookmarks) this.#scheduleBookmarks();
  }

  /** Aborted when no more events will come. */
  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  close(): void {
    this.#ended.abort();
    for (const cleanUp of this.#cleanUps.splice(0)) cleanUp();
    this.#wake?.();
  }

  /** Ends the watch with an error event, as a server does that can't go on. */
  fail(status: object): void {
    this.#push({ type: 'ERROR', status });
    this.close();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<WatchEvent> {
    try {
      for (;;) {
        const event = this.#shift();
        if (event) {
          yield event;
        } else if (this.ended.aborted) {
          return;
        } else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        }
      }
    } finally {
      this.close();
    }
  }

  #shift(): WatchEvent | undefined {
    const event = this.#queue[this.#head];
    if (!event) return undefined;
    this.#head++;
    if (this.#head === this.#queue.length || this.#head > 1024) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
    return event;
  }

  #onChange(change: Change): void {
    const behind = this.#queue.length - this.#head - this.#options.initial.length;
    if (behind > QUEUE_LIMIT) {
      this.#queue = [];
      this.#head = 0;
      this.close();
      return;
    }
    this.#take(change);
  }

  /** An object that moves in or out of the selection appears or disappears for this reader. */
  #take(change: Change): void {
    const { matches } = this.#options;
    const after = change.type !== 'DELETED' && matches(change.object);
    const before = change.previous !== undefined && matches(change.previous);
    if (after) this.#push({ type: before ? 'MODIFIED' : 'ADDED', object: change.object });
    else if (before) this.#push({ type: 'DELETED', object: lastSeen(change) });
  }

  #push(event: WatchEvent): void {
    if (this.ended.aborted) return;
    this.#queue.push(event);
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  #bookmark(initialEnd: boolean): void {
    this.#push({ type: 'BOOKMARK', revision: this.#options.revision(), initialEnd });
  }

  #scheduleBookmarks(): void {
    const { timeoutMilliseconds } = this.#options;
    const lead = timeoutMilliseconds - LAST_BOOKMARK_LEAD_MILLISECONDS;
    if (lead > 0) this.#schedule(lead, () => this.#bookmark(false));
    const again = (): void => {
      this.#bookmark(false);
      this.#schedule(BOOKMARK_INTERVAL_MILLISECONDS, again);
    };
    this.#schedule(BOOKMARK_INTERVAL_MILLISECONDS, again);
  }

  #schedule(delayMilliseconds: number, callback: () => void): void {
    if (this.ended.aborted) return;
    const cancel = this.#options.clock.schedule(delayMilliseconds, callback);
    this.#cleanUps.push(cancel);
  }
}

/** What leaves the selection is shown as it was last seen in it, at the version it left. */
function lastSeen(change: Change): KubeObject {
  if (change.type === 'DELETED') return change.object;
  const previous = change.previous!;
  const metadata = { ...previous.metadata, resourceVersion: String(change.revision) };
  return { ...previous, metadata };
}
