// The transport of one process to the API server in this one, without sockets.
import {
  type Transport,
  UnreachableError,
  type WireRequest,
  type WireResponse,
  type WireStream,
} from '../../src/kube/index.ts';
import type { ApiResponse, KubernetesServer } from '../../src/local/kubernetes/index.ts';
import { kubernetesCall, lateness } from './calls.ts';
import type { Actor } from './loop.ts';
import type { Network } from './network.ts';
import { WatchChannel } from './watch-channel.ts';

export interface WireOptions {
  readonly network: Network;
  readonly actor: Actor;
  readonly server: KubernetesServer;
  readonly token: string;
}

export class KubernetesWire implements Transport {
  readonly #options: WireOptions;

  constructor(options: WireOptions) {
    this.#options = options;
  }

  async request(wire: WireRequest): Promise<WireResponse> {
    const { status, headers, body } = await this.#send(wire, undefined);
    return { status, headers, body: String(body) };
  }

  async stream(wire: WireRequest): Promise<WireStream> {
    const closed = new AbortController();
    const { status, headers, body, stream } = await this.#send(wire, closed.signal);
    if (!stream) return { status, headers, chunks: once(String(body)) };
    const { network, actor } = this.#options;
    const { what } = kubernetesCall(wire.method, wire.path);
    const plural = what.split(/[ /]/)[1] ?? '';
    const onAbort = (): void => channel.end(wire.signal?.reason);
    // Listeners that stay keep everything behind them alive, for as long as the process of the tests.
    closed.signal.addEventListener('abort', () =>
      wire.signal?.removeEventListener('abort', onAbort),
    );
    const channel = new WatchChannel({ network, actor, plural, lines: stream, closed });
    wire.signal?.addEventListener('abort', onAbort);
    if (wire.signal?.aborted) onAbort();
    return { status, headers, chunks: channel };
  }

  async close(): Promise<void> {}

  /** The watch's own signal tells the server; everything else goes on there once it arrived. */
  #send(wire: WireRequest, watch: AbortSignal | undefined): Promise<ApiResponse> {
    const { network, actor } = this.#options;
    const { loop } = network;
    const call = kubernetesCall(wire.method, wire.path, wire.body);
    const fate = network.fateOf(actor, call);
    const { promise, resolve, reject } = Promise.withResolvers<ApiResponse>();
    const onAbort = (): void => reject(wire.signal?.reason);
    const refuse = (sent: boolean): void =>
      reject(new UnreachableError(`${call.what}: the connection broke`, { sent }));
    const answer = (response: ApiResponse): void => {
      if (fate.type === 'crash-after') network.kill(actor);
      if (fate.type === 'crash-after' || fate.type === 'silence') return;
      const late = fate.type === 'slow' ? fate.milliseconds : 0;
      const give = fate.type === 'unanswered' ? () => refuse(true) : () => resolve(response);
      loop.after(network.latency('kubernetes') + late, give, actor);
    };
    const arrive = (): void => {
      if (network.isDown('kubernetes', actor)) loop.after(0, () => refuse(false), actor);
      else if (fate.type === 'lost') loop.after(0, () => refuse(true), actor);
      else if (fate.type === 'refused') answer(refusal(fate));
      else void this.#handle(wire, watch).then(answer);
    };
    wire.signal?.addEventListener('abort', onAbort);
    if (wire.signal?.aborted) onAbort();
    else if (fate.type === 'crash-before') network.kill(actor);
    else loop.after(network.latency('kubernetes') + lateness(fate), arrive);
    return promise.finally(() => wire.signal?.removeEventListener('abort', onAbort));
  }

  #handle(wire: WireRequest, signal: AbortSignal | undefined): Promise<ApiResponse> {
    const { server, token } = this.#options;
    const { method, path, body } = wire;
    return server.handle({
      method,
      path,
      headers: { ...wire.headers, authorization: `Bearer ${token}` },
      ...(body === undefined ? {} : { body }),
      ...(signal ? { signal } : {}),
    });
  }
}

const REASONS: Readonly<Record<number, string>> = {
  409: 'Conflict',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
};

function refusal(fate: { readonly status: number; readonly retryAfterSeconds?: number }) {
  const { status, retryAfterSeconds } = fate;
  const body = {
    kind: 'Status',
    apiVersion: 'v1',
    status: 'Failure',
    code: status,
    reason: REASONS[status] ?? 'Unknown',
    message: 'a fault of the simulation',
  };
  const headers: Record<string, string> = {};
  if (retryAfterSeconds !== undefined) headers['retry-after'] = String(retryAfterSeconds);
  return { status, headers, body: JSON.stringify(body) };
}

async function* once(text: string): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(text);
}
