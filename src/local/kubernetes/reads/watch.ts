// Opens watches and writes their events as lines of JSON.
import type { Backend, Call } from '../backend.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import { cause, expired, invalid } from '../objects/status-error.ts';
import { apiVersionOf, type ResourceType } from '../resources/resource-type.ts';
import type { Change } from '../storage/shelf.ts';
import { type WatchEvent, Watcher } from '../storage/watcher.ts';
import { EncodedObjects } from './encoded-objects.ts';
import { parseRevision } from './list.ts';
import { type Representation, representationOf, representOne } from './representation.ts';
import { type Selection, selectionOf } from './selection.ts';

/** Watches that name no timeout end after half an hour to an hour, spread out. */
const SHORTEST_WATCH_MILLISECONDS = 1_800_000;

export function openWatch(backend: Backend, call: Call): Watcher {
  const { query } = call.target;
  const start = startOf(backend, call, selectionOf(call));
  const timeoutSeconds = Number(query.get('timeoutSeconds') ?? 0);
  const watcher = new Watcher({
    clock: backend.clock,
    shelf: backend.store.shelf(call.type.shelf),
    revision: () => backend.store.revision,
    bookmarks: isTrue(query.get('allowWatchBookmarks')),
    timeoutMilliseconds:
      timeoutSeconds > 0
        ? timeoutSeconds * 1000
        : SHORTEST_WATCH_MILLISECONDS * (1 + backend.random.next()),
    ...start,
  });
  if (call.signal?.aborted) watcher.close();
  call.signal?.addEventListener('abort', () => watcher.close(), { once: true });
  return watcher;
}

const isTrue = (text: string | null): boolean => text === 'true' || text === '1';

interface Start {
  readonly matches: (object: KubeObject) => boolean;
  readonly initial: readonly KubeObject[];
  readonly replay: readonly Change[];
  readonly initialEndBookmark: boolean;
}

function startOf(backend: Backend, call: Call, selection: Selection): Start {
  const { query } = call.target;
  const { matches } = selection;
  const shelf = backend.store.shelf(call.type.shelf);
  const version = query.get('resourceVersion') ?? '';
  const sendInitial = query.get('sendInitialEvents');
  checkInitialEvents(call, sendInitial);
  const everything = (): KubeObject[] => shelf.list(selection.namespace).filter(matches);
  if (isTrue(sendInitial)) {
    const initialEndBookmark = isTrue(query.get('allowWatchBookmarks'));
    return { matches, initial: everything(), replay: [], initialEndBookmark };
  }
  if (version === '' || version === '0') {
    const initial = sendInitial === null ? everything() : [];
    return { matches, initial, replay: [], initialEndBookmark: false };
  }
  const replay = shelf.since(parseRevision(version));
  if (!replay) {
    throw expired(`too old resource version: ${version} (${backend.store.revision})`);
  }
  return { matches, initial: [], replay, initialEndBookmark: false };
}

function checkInitialEvents(call: Call, sendInitial: string | null): void {
  if (sendInitial === null) return;
  if (call.target.query.get('resourceVersionMatch') === 'NotOlderThan') return;
  const words =
    'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan for watch requests';
  throw invalid({ group: 'meta.k8s.io', plural: '', kind: 'ListOptions' }, '', [
    cause.forbidden('resourceVersionMatch', words),
  ]);
}

/** One line per event; watchers of the same resource share the encoded objects. */
export async function* watchLines(
  watcher: Watcher,
  call: Call,
  backend: Backend,
): AsyncGenerator<string> {
  const { type, target, headers } = call;
  const asked = representationOf(headers['accept'], target.query, backend.clock.now());
  for await (const event of watcher) {
    const representation = { ...asked, nowMilliseconds: backend.clock.now() };
    yield encodeEvent(event, type, representation);
  }
}

function encodeEvent(event: WatchEvent, type: ResourceType, asked: Representation): string {
  if (event.type === 'ERROR') return `${JSON.stringify({ type: 'ERROR', object: event.status })}\n`;
  if (event.type === 'BOOKMARK') return bookmarkLine(event, type, asked);
  if (asked.shape === 'object' && !type.fromShelf) {
    return `{"type":"${event.type}","object":${EncodedObjects.encode(event.object)}}\n`;
  }
  const object = type.fromShelf?.(event.object) ?? event.object;
  if (asked.shape === 'object' && object === event.object) {
    return `{"type":"${event.type}","object":${EncodedObjects.encode(object)}}\n`;
  }
  return `${JSON.stringify({ type: event.type, object: representOne(object, type, asked) })}\n`;
}

function bookmarkLine(
  event: Extract<WatchEvent, { type: 'BOOKMARK' }>,
  type: ResourceType,
  asked: Representation,
): string {
  const metadata = {
    resourceVersion: String(event.revision),
    creationTimestamp: null,
    ...(event.initialEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {}),
  };
  const plain = { kind: type.kind, apiVersion: apiVersionOf(type), metadata };
  const object =
    asked.shape === 'object' ? plain : representOne(plain as unknown as KubeObject, type, asked);
  return `${JSON.stringify({ type: 'BOOKMARK', object })}\n`;
}
