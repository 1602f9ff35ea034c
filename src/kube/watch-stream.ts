// One watch: opened, kept under guard, and its bytes turned into events.
import type { Resource } from '../api/object.ts';
import { PoolkeeperError } from '../runtime/errors.ts';
import type { Runtime } from '../runtime/index.ts';
import { Breather } from './breather.ts';
import type { Connection } from './connection.ts';
import { ApiError, type StatusBody } from './errors.ts';
import type { Selection } from './list-pages.ts';
import { collectionPath } from './resource-path.ts';
import { Watchdog } from './watchdog.ts';

export type WatchEvent<T> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T }
  | { readonly type: 'BOOKMARK'; readonly object: BookmarkBody };

export interface BookmarkBody {
  readonly metadata: {
    readonly resourceVersion: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}

export interface WatchOptions<T> {
  readonly connection: Connection;
  readonly runtime: Runtime;
  readonly resource: Resource<T>;
  readonly selection: Selection | undefined;
  /** Where to start: `resourceVersion`, or `sendInitialEvents` and its companion. */
  readonly query: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** How long the server may be silent from now on. */
  readonly idleMilliseconds: () => number;
  readonly onBytes: () => void;
}

const HEADERS_MILLISECONDS = 30_000;
/** Each watch lives between this and twice as long, so that a fleet's don't end together. */
const SHORTEST_WATCH_SECONDS = 300;

/** Ends when the server ends the watch; throws what it says, SilentWatchError if it says nothing. */
export async function* openWatch<T>(options: WatchOptions<T>): AsyncGenerator<WatchEvent<T>> {
  const { connection, runtime, resource, selection } = options;
  const watchdog = new Watchdog(runtime.clock, options.signal, HEADERS_MILLISECONDS);
  const onBytes = (): void => {
    options.onBytes();
    watchdog.feed(options.idleMilliseconds());
  };
  try {
    const chunks = await connection.stream({
      method: 'GET',
      path: collectionPath(resource, selection?.namespace),
      query: {
        watch: 'true',
        allowWatchBookmarks: 'true',
        timeoutSeconds: String(Math.round(SHORTEST_WATCH_SECONDS * (1 + runtime.random.next()))),
        labelSelector: selection?.labelSelector,
        fieldSelector: selection?.fieldSelector,
        ...options.query,
      },
      signal: watchdog.signal,
    });
    onBytes();
    const breather = new Breather(runtime.clock);
    for await (const lines of watchLines(chunks, onBytes)) {
      for (const line of lines) {
        yield parseWatchEvent<T>(line, resource.plural);
        if (breather.isDue()) await breather.pause();
      }
      // What was just read may have ended the replay, and with it the short patience.
      watchdog.feed(options.idleMilliseconds());
    }
  } catch (error) {
    throw watchdog.verdict(error);
  } finally {
    watchdog.stop();
  }
}

/** Etcd refuses objects beyond some 1.5 MB; a longer line is no watch event. */
const MAX_LINE_LENGTH = 32 * 1024 * 1024;

/** One array of complete lines per chunk that brought any; every chunk calls `onBytes`. */
async function* watchLines(
  chunks: AsyncIterable<Uint8Array>,
  onBytes: () => void,
): AsyncGenerator<readonly string[]> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of chunks) {
    onBytes();
    const text = decoder.decode(chunk, { stream: true });
    // Only what is new can hold a line's end, so long lines aren't searched again and again.
    if (!text.includes('\n')) {
      rest += text;
      if (rest.length > MAX_LINE_LENGTH)
        throw new PoolkeeperError('WatchGarbled', 'a watch event is longer than any object can be');
      continue;
    }
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    yield lines.filter((line) => line !== '');
  }
}

type WireEvent<T> = WatchEvent<T> | { readonly type: 'ERROR'; readonly object: StatusBody };

function parseWatchEvent<T>(line: string, plural: string): WatchEvent<T> {
  let event: WireEvent<T>;
  try {
    event = JSON.parse(line) as WireEvent<T>;
  } catch {
    // The object may be a Secret: nothing of the line may show up in a message.
    const message = `${plural}: a watch event of ${line.length} characters is not JSON`;
    throw new PoolkeeperError('WatchGarbled', message);
  }
  if (event.type !== 'ERROR') return event;
  const { object: body } = event;
  throw new ApiError({ status: body.code ?? 500, call: `WATCH ${plural}`, body });
}
