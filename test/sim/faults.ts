// What may go wrong with a call: one fault at one call, for sweeps; many at random, for campaigns.
import type { Random } from '../../src/runtime/random.ts';
import { type Call, DELIVERED, type Fate, type FaultPlan } from './calls.ts';

export type Mode =
  | 'error'
  | 'conflict'
  | 'throttled'
  | 'lost'
  | 'unanswered'
  | 'silence'
  | 'crash-before'
  | 'crash-after';

/** All that can happen to a call that writes, and what is worth trying on one that reads. */
export const WRITE_MODES: readonly Mode[] = [
  'error',
  'conflict',
  'throttled',
  'lost',
  'unanswered',
  'silence',
  'crash-before',
  'crash-after',
];
export const READ_MODES: readonly Mode[] = ['error', 'throttled', 'lost', 'crash-before'];

export function fateFor(mode: Mode, call: Call): Fate {
  switch (mode) {
    case 'error':
      return { type: 'refused', status: call.to === 'kubernetes' ? 500 : 503 };
    case 'conflict':
      return {
        type: 'refused',
        status: call.to === 'azure' && call.method === 'PATCH' ? 412 : 409,
      };
    case 'throttled':
      return { type: 'refused', status: 429, retryAfterSeconds: call.to === 'kubernetes' ? 1 : 7 };
    default:
      return { type: mode };
  }
}

/** One fault at the call with this number. */
export class OneFault implements FaultPlan {
  readonly #index: number;
  readonly #mode: Mode;
  hasFired = false;

  constructor(index: number, mode: Mode) {
    this.#index = index;
    this.#mode = mode;
  }

  fateOf(call: Call): Fate {
    if (call.index !== this.#index) return DELIVERED;
    this.hasFired = true;
    return fateFor(this.#mode, call);
  }
}

/** Every call has the same small chance of every fault. */
export class RandomFaults implements FaultPlan {
  readonly #random: Random;
  readonly #rate: number;
  readonly #crashes: boolean;

  constructor(random: Random, options: { readonly rate: number; readonly crashes: boolean }) {
    this.#random = random;
    this.#rate = options.rate;
    this.#crashes = options.crashes;
  }

  fateOf(call: Call): Fate {
    if (this.#random.next() >= this.#rate) return DELIVERED;
    const modes = call.isWrite ? WRITE_MODES : READ_MODES;
    const possible = this.#crashes ? modes : modes.filter((mode) => !mode.startsWith('crash'));
    const mode = possible[Math.floor(this.#random.next() * possible.length)]!;
    if (mode === 'silence' && this.#random.next() < 0.5)
      return { type: 'slow', milliseconds: this.#random.next() * 25_000 };
    if (mode === 'unanswered' && this.#random.next() < 0.5)
      return { type: 'late', milliseconds: this.#random.next() ** 2 * 90_000 };
    return fateFor(mode, call);
  }
}
