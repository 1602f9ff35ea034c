// Turns names into addresses. Node looks names up on four threads that everything shares, and a name
// whose server is dead holds one for ten seconds and more. So probes use few of them at a time, probes
// of the same name share one look, and names wait in two lines: those that were answered last time, and
// all others. However many dead names somebody asks for, they hold up only what nobody knows yet.
import { lookup } from 'node:dns/promises';
import { Turns } from './turns.ts';

export interface FoundAddress {
  readonly address: string;
  readonly family: number;
}

export type Lookup = (host: string) => Promise<FoundAddress[]>;

/** Of the four threads together three; the fourth stays for the API server and the cloud. */
const ANSWERED_AT_ONCE = 2;
const OTHERS_AT_ONCE = 1;
const ANSWERED_MAX = 10_000;
/** An answer too: there is no such name, or it has no address. */
const ANSWERS: ReadonlySet<unknown> = new Set(['ENOTFOUND', 'ENODATA']);

export class Names {
  readonly #lookup: Lookup;
  readonly #answeredLine = new Turns(ANSWERED_AT_ONCE);
  readonly #otherLine = new Turns(OTHERS_AT_ONCE);
  readonly #underWay = new Map<string, Promise<FoundAddress[]>>();
  readonly #answered = new Set<string>();

  constructor(given: Lookup = (host) => lookup(host, { all: true })) {
    this.#lookup = given;
  }

  /** Rejects with the resolver's error, or with the signal's reason; the look itself then goes on. */
  async lookUp(host: string, signal: AbortSignal): Promise<FoundAddress[]> {
    let look = this.#underWay.get(host);
    if (!look) {
      const line = this.#answered.has(host) ? this.#answeredLine : this.#otherLine;
      look = line.take(() => this.#lookup(host));
      this.#underWay.set(host, look);
      const isAnswer = (error: unknown): boolean =>
        ANSWERS.has((error as { code?: unknown } | undefined)?.code);
      look.then(
        () => this.#ended(host, true),
        (error: unknown) => this.#ended(host, isAnswer(error)),
      );
    }
    return unlessAborted(look, signal);
  }

  #ended(host: string, wasAnswered: boolean): void {
    this.#underWay.delete(host);
    this.#answered.delete(host);
    if (wasAnswered) this.#answered.add(host);
    for (const oldest of this.#answered) {
      if (this.#answered.size <= ANSWERED_MAX) break;
      this.#answered.delete(oldest);
    }
  }
}

const names = new Names();

export function lookUp(host: string, signal: AbortSignal): Promise<FoundAddress[]> {
  return names.lookUp(host, signal);
}

export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((fulfil, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(fulfil, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
