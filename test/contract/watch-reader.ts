// Reads one watch: hands out its events in order, and says so when none comes.
import type { Response } from 'undici';
import { systemClock } from '../../src/runtime/clock.ts';
import type { Json } from './cluster.ts';

export interface WatchEvent {
  readonly type: string;
  readonly object: Json;
}

const PATIENCE_MILLISECONDS = 15_000;

export class WatchReader {
  readonly code: number;
  readonly #events: AsyncGenerator<WatchEvent>;
  readonly #stop: AbortController;

  constructor(response: Response, stop: AbortController) {
    this.code = response.status;
    this.#stop = stop;
    this.#events = lines(response);
  }

  /** The next event; undefined when the server ended the watch. */
  async next(): Promise<WatchEvent | undefined> {
    const cancel = systemClock.schedule(PATIENCE_MILLISECONDS, () => this.#stop.abort());
    try {
      const { value, done } = await this.#events.next();
      return done ? undefined : value;
    } finally {
      cancel();
    }
  }

  /** So many events, as `TYPE name`. */
  async told(count: number): Promise<string[]> {
    const told: string[] = [];
    while (told.length < count) {
      const event = await this.next();
      if (!event) break;
      told.push(`${event.type} ${event.object.metadata?.name ?? ''}`);
    }
    return told;
  }

  stop(): void {
    this.#stop.abort();
  }
}

async function* lines(response: Response): AsyncGenerator<WatchEvent> {
  let rest = '';
  const decoder = new TextDecoder();
  if (!response.body) return;
  for await (const chunk of response.body) {
    rest += decoder.decode(chunk, { stream: true });
    const complete = rest.split('\n');
    rest = complete.pop() ?? '';
    for (const line of complete) if (line) yield JSON.parse(line) as WatchEvent;
  }
}
