// One open watch on its way from the server to a process: in order, but late, held back, or cut.
import { UnreachableError } from '../../src/kube/index.ts';
import type { Actor } from './loop.ts';
import type { Network, Stream } from './network.ts';

export interface ChannelOptions {
  readonly network: Network;
  readonly actor: Actor;
  readonly plural: string;
  /** What the server has to say, a line at a time. */
  readonly lines: AsyncIterable<string>;
  /** Aborting it tells the server that nobody listens any more. */
  readonly closed: AbortController;
}

export class WatchChannel implements AsyncIterable<Uint8Array>, Stream {
  readonly actor: Actor;
  readonly plural: string;
  readonly #options: ChannelOptions;
  readonly #arrived: Uint8Array[] = [];
  readonly #forget: () => void;
  #lastArrivalAt = 0;
  #isOver = false;
  #error: unknown;
  #wake: (() => void) | undefined;

  constructor(options: ChannelOptions) {
    this.#options = options;
    this.actor = options.actor;
    this.plural = options.plural;
    this.#forget = options.network.opened(this);
    void this.#carry();
  }

  cut(): void {
    this.end(new UnreachableError(`WATCH ${this.plural}: the connection broke`, { sent: true }));
  }

  /** What is on its way is lost. */
  end(error?: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#error = error;
    this.#forget();
    this.#options.closed.abort();
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        const chunk = this.#arrived.shift();
        if (chunk) yield chunk;
        else if (this.#isOver) break;
        else
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
      }
      if (this.#error !== undefined) throw this.#error;
    } finally {
      this.end();
    }
  }

  async #carry(): Promise<void> {
    const encoder = new TextEncoder();
    for await (const line of this.#options.lines)
      this.#deliver(() => this.#arrived.push(encoder.encode(line)));
    this.#deliver(() => this.end());
  }

  #deliver(arrive: () => void): void {
    const { network, actor, plural } = this.#options;
    const { loop } = network;
    const at = Math.max(
      this.#lastArrivalAt,
      loop.elapsed + network.latency('kubernetes'),
      network.heldUntil(actor, plural),
    );
    this.#lastArrivalAt = at;
    const happen = (): void => {
      if (this.#isOver) return;
      arrive();
      this.#wake?.();
    };
    loop.after(at - loop.elapsed, happen, actor);
  }
}
