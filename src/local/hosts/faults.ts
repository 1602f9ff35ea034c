// Faults that a test or the simulation asks for, one per matching call, in the order they were added.

export interface PortCall {
  readonly operation: 'run' | 'readFile' | 'writeFile' | 'removeFile' | 'makeDirectory' | 'isZero';
  /** Only for `run`. */
  readonly argv: readonly string[];
  /** Only for files and devices. */
  readonly path: string;
  /** Counts all calls of the host, from 0. */
  readonly index: number;
}

export type FaultEffect =
  /** Exits at once, having done nothing. */
  | { readonly type: 'fail'; readonly exitCode: number; readonly stderr: string }
  /** Does all its work and reports a failure all the same. */
  | { readonly type: 'fail-after-doing'; readonly exitCode: number; readonly stderr: string }
  | { readonly type: 'truncate-output'; readonly bytes: number }
  /** Never ends; can be killed. */
  | { readonly type: 'hang' }
  /** Uninterruptible sleep: not even SIGKILL ends it. */
  | { readonly type: 'stuck' }
  /** SIGKILL from elsewhere (the OOM killer) after so many stages of its work. */
  | { readonly type: 'kill-child'; readonly afterStages: number }
  /** The agent dies: no answer reaches it any more, and its running children die with it. */
  | {
      readonly type: 'lose-agent';
      readonly moment: 'before' | 'during' | 'after';
      readonly afterStages?: number;
    };

export interface Fault {
  readonly matches: (call: PortCall) => boolean;
  readonly effect: FaultEffect;
  /** How often it strikes; once unless said otherwise. */
  readonly times?: number;
}

export class FaultPlan {
  readonly #pending: { fault: Fault; left: number }[] = [];

  add(fault: Fault): void {
    this.#pending.push({ fault, left: fault.times ?? 1 });
  }

  clear(): void {
    this.#pending.length = 0;
  }

  take(call: PortCall): FaultEffect | undefined {
    const entry = this.#pending.find(({ fault, left }) => left > 0 && fault.matches(call));
    if (!entry) return undefined;
    entry.left--;
    return entry.fault.effect;
  }
}

/** Matches runs of one program whose arguments contain all the given ones. */
export function runOf(program: string, ...args: readonly string[]): Fault['matches'] {
  return ({ operation, argv }) =>
    operation === 'run' && argv[0] === program && args.every((one) => argv.includes(one));
}
