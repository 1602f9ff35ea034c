// Faults on order: requests that match a rule fail, wait, or are answered by silence, as those of
// an overloaded or crashing server. For tests and simulations.
import { type Clock, sleep } from '../../runtime/clock.ts';
import { StatusError } from './objects/status-error.ts';
import type { RequestFacts } from './request-log.ts';

export type FaultEffect =
  /** Not applied; refused with a status (500 unless given). */
  | {
      readonly type: 'error';
      readonly code?: number;
      readonly reason?: string;
      readonly message?: string;
    }
  /** Not applied; somebody else was faster. */
  | { readonly type: 'conflict' }
  /** Not applied; 429 with Retry-After. */
  | { readonly type: 'throttle'; readonly retryAfterSeconds?: number }
  /** Not applied; 410 as for a version that is too old. */
  | { readonly type: 'gone' }
  /** Not applied; the connection breaks. */
  | { readonly type: 'timeout' }
  /** Applied; the connection breaks before the answer. */
  | { readonly type: 'timeout-applied' }
  /** Applied after a while. */
  | { readonly type: 'delay'; readonly milliseconds: number }
  /** Applied; all open watches end. */
  | { readonly type: 'drop-watches' };

export interface FaultMatch {
  readonly verb?: string;
  readonly group?: string;
  readonly resource?: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly user?: string;
  /** Any further condition. */
  readonly where?: (facts: RequestFacts) => boolean;
}

export interface Fault {
  readonly match?: FaultMatch;
  readonly effect: FaultEffect;
  /** How many matching requests are hit; one unless given. */
  readonly times?: number;
  /** How many matching requests pass before the first is hit. */
  readonly after?: number;
}

/** The connection is to break without an answer. */
export class ConnectionLost extends Error {
  constructor() {
    super('the connection was lost');
    this.name = 'ConnectionLost';
  }
}

interface Armed {
  readonly fault: Fault;
  passing: number;
  left: number;
}

export class Faults {
  readonly #armed = new Set<Armed>();
  readonly #clock: Clock;
  #fired = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many requests were hit so far. */
  get fired(): number {
    return this.#fired;
  }

  /** The returned function takes the fault back. */
  add(fault: Fault): () => void {
    const armed = { fault, passing: fault.after ?? 0, left: fault.times ?? 1 };
    this.#armed.add(armed);
    return () => this.#armed.delete(armed);
  }

  clear(): void {
    this.#armed.clear();
  }

  /** The effect for this request, if one is due. Costs nothing while no fault is armed. */
  take(facts: RequestFacts): FaultEffect | undefined {
    for (const armed of this.#armed) {
      if (!matches(armed.fault.match ?? {}, facts)) continue;
      if (armed.passing > 0) {
        armed.passing--;
        continue;
      }
      if (--armed.left <= 0) this.#armed.delete(armed);
      this.#fired++;
      return armed.fault.effect;
    }
    return undefined;
  }

  /** What happens before the request is looked at; throws for effects that prevent it. */
  async before(effect: FaultEffect): Promise<void> {
    switch (effect.type) {
      case 'error': {
        const { code = 500, reason = 'InternalError', message = 'injected fault' } = effect;
        throw new StatusError(code, reason, message);
      }
      case 'conflict':
        throw new StatusError(409, 'Conflict', 'injected fault: the object has been modified');
      case 'throttle': {
        const { retryAfterSeconds = 1 } = effect;
        const words = 'injected fault: too many requests';
        throw new StatusError(429, 'TooManyRequests', words, { retryAfterSeconds });
      }
      case 'gone':
        throw new StatusError(410, 'Expired', 'injected fault: too old resource version');
      case 'timeout':
        throw new ConnectionLost();
      case 'delay':
        return sleep(this.#clock, effect.milliseconds);
      default:
        return undefined;
    }
  }
}

function matches(match: FaultMatch, facts: RequestFacts): boolean {
  for (const key of FACTS) if (match[key] !== undefined && match[key] !== facts[key]) return false;
  return match.where?.(facts) ?? true;
}

const FACTS = ['verb', 'group', 'resource', 'subresource', 'namespace', 'name', 'user'] as const;
