// Faults on order: what goes wrong, for which calls, how often and how long. Each one models
// something Azure has been seen to do; the handlers ask which effects apply to their call.

/** Parts of a machine that a failed creation leaves behind. */
export type Leftover = 'virtualMachine' | 'networkInterface' | 'osDisk';

export type FaultEffect =
  /** Refused with this error; nothing is applied. */
  | {
      readonly type: 'error';
      readonly status: number;
      readonly code?: string;
      readonly message?: string;
      readonly retryAfterSeconds?: number;
    }
  /** The connection dies instead of an answer, after or before the work was done. */
  | { readonly type: 'timeout'; readonly applied: boolean }
  /** The answer comes late. */
  | { readonly type: 'delay'; readonly milliseconds: number }
  /** Accepted, then the operation ends Failed. */
  | {
      readonly type: 'failOperation';
      readonly code: string;
      readonly message?: string;
      readonly leaves?: readonly Leftover[];
    }
  /** The operation ends Succeeded; so much later the resource turns Failed by itself. */
  | { readonly type: 'failLater'; readonly afterSeconds: number }
  /** Accepted, but the operation's URLs answer 404. The work itself ends as usual. */
  | { readonly type: 'loseOperation' }
  /** Accepted, and never ends: the resource stays Creating, Updating or Deleting. */
  | { readonly type: 'stuckOperation' }
  | { readonly type: 'slowOperation'; readonly factor: number }
  /** A created resource can't be read for a while. */
  | { readonly type: 'hideAfterCreate'; readonly forSeconds: number }
  /** A deleted resource can still be read for a while. */
  | { readonly type: 'lingerAfterDelete'; readonly forSeconds: number }
  /**
   * Changes reach Resource Graph this much later. Matched as operation `resourceGraph.index` with
   * the changed resource's name, once per change.
   */
  | { readonly type: 'graphLag'; readonly seconds: number }
  /** Each matching query is answered from a moment somewhere in the last seconds. */
  | { readonly type: 'graphBackwards'; readonly windowSeconds: number }
  /** A page carries only so many rows and no token; only `totalRecords` tells that some miss. */
  | { readonly type: 'graphShortPage'; readonly rows: number };

export interface FaultMatch {
  /** As counted in `requests()`: `disks.createOrUpdate`; `*` stands for anything. */
  readonly operation: string;
  /** The resource's name, `*` as above. */
  readonly name?: string;
  /** For paged queries: the page, counted from 1. */
  readonly page?: number;
}

export interface FaultOrder {
  readonly match: FaultMatch;
  readonly effect: FaultEffect;
  /** Let so many matching calls pass first. */
  readonly skip?: number;
  /** Ends after so many hits; without it the fault stays until removed. */
  readonly times?: number;
  /** Ends this long after it was added. */
  readonly forSeconds?: number;
}

export interface Fault extends FaultOrder {
  readonly id: string;
  hits: number;
  skipped: number;
  readonly until?: number;
}

/** At most so many faults are kept: more is a test gone wrong. */
const MAX_FAULTS = 1000;

export class FaultBook {
  readonly #faults = new Map<string, Fault>();
  readonly #now: () => number;
  #nextNumber = 1;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Returns the id under which it can be removed. */
  add(order: FaultOrder): string {
    if (this.#faults.size >= MAX_FAULTS) throw new Error(`more than ${MAX_FAULTS} faults`);
    const id = `fault-${this.#nextNumber++}`;
    const until =
      order.forSeconds === undefined ? {} : { until: this.#now() + order.forSeconds * 1000 };
    this.#faults.set(id, { ...order, ...until, id, hits: 0, skipped: 0 });
    return id;
  }

  remove(id: string): boolean {
    return this.#faults.delete(id);
  }

  clear(): void {
    this.#faults.clear();
  }

  list(): readonly Fault[] {
    return [...this.#faults.values()];
  }

  /** The effects for one call; each counts as a hit. */
  take(operation: string, name: string | undefined, page?: number): FaultEffect[] {
    const effects: FaultEffect[] = [];
    for (const fault of this.#faults.values()) {
      if (fault.until !== undefined && fault.until <= this.#now()) {
        this.#faults.delete(fault.id);
        continue;
      }
      if (!matches(fault.match, operation, name, page)) continue;
      if (fault.skipped < (fault.skip ?? 0)) {
        fault.skipped++;
        continue;
      }
      effects.push(fault.effect);
      fault.hits++;
      if (fault.times !== undefined && fault.hits >= fault.times) this.#faults.delete(fault.id);
    }
    return effects;
  }
}

function matches(
  match: FaultMatch,
  operation: string,
  name: string | undefined,
  page: number | undefined,
): boolean {
  return (
    globMatches(match.operation, operation) &&
    (match.name === undefined || (name !== undefined && globMatches(match.name, name))) &&
    (match.page === undefined || match.page === page)
  );
}

function globMatches(pattern: string, text: string): boolean {
  const escaped = pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*');
  return new RegExp(`^${escaped}$`, 'i').test(text);
}

/** The effect of one type among those that apply to a call. */
export function effectOf<T extends FaultEffect['type']>(
  effects: readonly FaultEffect[],
  type: T,
): Extract<FaultEffect, { type: T }> | undefined {
  return effects.find((effect): effect is Extract<FaultEffect, { type: T }> => {
    return effect.type === type;
  });
}
