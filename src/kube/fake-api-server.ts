// A transport to a very small API server in memory: one kind, lists, watches, and whatever faults a
// test asks for. It is for testing this room alone; everything else runs against the embedded API.
import type { AnyObject } from '../api/object.ts';
import { UnreachableError } from './errors.ts';
import type { Transport, WireRequest, WireResponse, WireStream } from './transport.ts';

type EventType = 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';

interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An open watch, held from the server's side. */
export class FakeWatch {
  readonly query: URLSearchParams;
  readonly #lines: Uint8Array[] = [];
  #wake: (() => void) | undefined;
  #ended = false;
  #error: unknown;

  constructor(query: URLSearchParams) {
    this.query = query;
  }

  send(type: EventType, object: unknown): void {
    this.sendText(`${JSON.stringify({ type, object })}\n`);
  }

  sendText(text: string): void {
    this.#lines.push(new TextEncoder().encode(text));
    this.#wake?.();
  }

  bookmark(resourceVersion: number, annotations?: Readonly<Record<string, string>>): void {
    this.send('BOOKMARK', { metadata: { resourceVersion: String(resourceVersion), annotations } });
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  break(error: unknown): void {
    this.#error = error;
    this.#wake?.();
  }

  get isOpen(): boolean {
    return !this.#ended && this.#error === undefined;
  }

  async *chunks(signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
    signal?.addEventListener('abort', () => this.break(signal.reason), { once: true });
    try {
      for (;;) {
        const line = this.#lines.shift();
        if (line) yield line;
        else if (this.#error !== undefined) throw this.#error;
        else if (this.#ended) return;
        else
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
      }
    } finally {
      this.#ended = true;
    }
  }
}

export class FakeApiServer implements Transport {
  /** Every request, oldest first: `GET /path?query`. */
  readonly log: string[] = [];
  readonly watches: FakeWatch[] = [];
  readonly objects = new Map<string, AnyObject>();
  version = 100;
  /** Whether lists can be replayed through watches, as servers since 1.34 do. */
  replays = true;
  /** Versions before this are forgotten. */
  oldestVersion = 0;
  #intercepts: ((wire: WireRequest) => Answer | 'unreachable' | undefined)[] = [];

  /** Answers the next request that `answer` has an answer for. */
  interceptOnce(answer: (wire: WireRequest) => Answer | 'unreachable' | undefined): void {
    const intercept = (wire: WireRequest): Answer | 'unreachable' | undefined => {
      const found = answer(wire);
      if (found) this.#intercepts = this.#intercepts.filter((other) => other !== intercept);
      return found;
    };
    this.#intercepts.push(intercept);
  }

  /** Creates or changes an object; watches are told unless `silently`. */
  put(object: AnyObject, options: { silently?: boolean } = {}): AnyObject {
    const key = `${object.metadata.namespace}/${object.metadata.name}`;
    const known = this.objects.get(key);
    const stored = {
      ...object,
      metadata: { ...object.metadata, resourceVersion: String(++this.version) },
    };
    this.objects.set(key, stored);
    if (!options.silently) this.#tell(known ? 'MODIFIED' : 'ADDED', stored);
    return stored;
  }

  remove(namespace: string, name: string, options: { silently?: boolean } = {}): void {
    const key = `${namespace}/${name}`;
    const known = this.objects.get(key);
    if (!known) return;
    this.objects.delete(key);
    const metadata = { ...known.metadata, resourceVersion: String(++this.version) };
    if (!options.silently) this.#tell('DELETED', { ...known, metadata });
  }

  get openWatch(): FakeWatch | undefined {
    return this.watches.findLast((watch) => watch.isOpen);
  }

  async request(wire: WireRequest): Promise<WireResponse> {
    const answer = this.#intercepted(wire) ?? this.#answer(wire);
    return {
      status: answer.status,
      headers: answer.headers ?? {},
      body: JSON.stringify(answer.body),
    };
  }

  async stream(wire: WireRequest): Promise<WireStream> {
    const answer = this.#intercepted(wire);
    const query = new URLSearchParams(wire.path.split('?')[1]);
    const from = Number(query.get('resourceVersion') ?? 0);
    const replay = query.get('sendInitialEvents') === 'true';
    if (answer) return refused(answer);
    if (replay && !this.replays)
      return refused({ status: 422, body: { reason: 'Invalid', message: 'no sendInitialEvents' } });
    const watch = new FakeWatch(query);
    this.watches.push(watch);
    if (!replay && from < this.oldestVersion) {
      watch.send('ERROR', { code: 410, reason: 'Expired', message: 'too old resource version' });
      watch.end();
    }
    if (replay) {
      for (const object of this.objects.values()) watch.send('ADDED', object);
      watch.bookmark(this.version, { 'k8s.io/initial-events-end': 'true' });
    }
    return { status: 200, headers: {}, chunks: watch.chunks(wire.signal) };
  }

  async close(): Promise<void> {
    for (const watch of this.watches) watch.end();
  }

  #intercepted(wire: WireRequest): Answer | undefined {
    this.log.push(`${wire.method} ${wire.path}`);
    for (const intercept of [...this.#intercepts]) {
      const answer = intercept(wire);
      if (answer === 'unreachable')
        throw new UnreachableError(`${wire.method}: connection reset`, { sent: true });
      if (answer) return answer;
    }
    return undefined;
  }

  #answer(wire: WireRequest): Answer {
    const [path = '', search] = wire.path.split('?');
    const query = new URLSearchParams(search);
    if (wire.method === 'GET' && query.has('limit')) return this.#list(query);
    if (wire.method !== 'GET') return { status: 405, body: { message: 'not here' } };
    const [, namespace, , name] = /namespaces\/(.*?)\/(.*?)\/(.*)$/.exec(path) ?? [];
    const found = this.objects.get(`${namespace}/${name}`);
    return found
      ? { status: 200, body: found }
      : { status: 404, body: { reason: 'NotFound', message: `${name} not found` } };
  }

  #list(query: URLSearchParams): Answer {
    const offset = Number(query.get('continue') ?? 0);
    const end = offset + Number(query.get('limit'));
    const all = [...this.objects.values()];
    const metadata = {
      resourceVersion: String(this.version),
      ...(end < all.length && { continue: String(end) }),
    };
    return { status: 200, body: { items: all.slice(offset, end), metadata } };
  }

  #tell(type: EventType, object: AnyObject): void {
    for (const watch of this.watches) if (watch.isOpen) watch.send(type, object);
  }
}

function refused(answer: Answer): WireStream {
  const bytes = new TextEncoder().encode(JSON.stringify(answer.body));
  return {
    status: answer.status,
    headers: answer.headers ?? {},
    chunks: (async function* () {
      yield bytes;
    })(),
  };
}
