// Time as the simulation has it: nothing happens but events in a queue, one after the other. The
// same events in the same order give the same run, down to the last byte, and an hour of operation
// takes as long as its events take to compute.
import { Heap } from '../../src/kube/heap.ts';

/** Somebody to whom things happen: a process. Dead ones are told nothing; stopped ones later. */
export interface Actor {
  readonly name: string;
  isAlive: boolean;
  /** Stopped, as by SIGSTOP: until then nothing reaches it, and it does nothing. */
  stoppedUntil: number;
}

interface Event {
  dueAt: number;
  readonly order: number;
  readonly actor: Actor | undefined;
  readonly happen: () => void;
  isOff: boolean;
}

/** A run that goes on for so many events is not getting anywhere. */
const MAX_EVENTS = 3_000_000;

export class Loop {
  readonly #queue = new Heap<Event>(
    (one, other) =>
      one.dueAt < other.dueAt || (one.dueAt === other.dueAt && one.order < other.order),
  );
  #elapsed = 0;
  #order = 0;
  #events = 0;

  /** Milliseconds since the beginning. */
  get elapsed(): number {
    return this.#elapsed;
  }

  /** How many events there were. */
  get events(): number {
    return this.#events;
  }

  /** The returned function calls it off. */
  after(delayMilliseconds: number, happen: () => void, actor?: Actor): () => void {
    const dueAt = this.#elapsed + Math.max(0, delayMilliseconds);
    const event: Event = { dueAt, order: this.#order++, actor, happen, isOff: false };
    this.#queue.push(event);
    return () => {
      event.isOff = true;
    };
  }

  wait(milliseconds: number): Promise<void> {
    return new Promise((resolve) => this.after(milliseconds, resolve));
  }

  /** Lets things happen until `isOver` or for so long; says whether it was over. */
  async run(milliseconds: number, isOver: () => boolean = () => false): Promise<boolean> {
    const end = this.#elapsed + milliseconds;
    await breathe();
    for (;;) {
      if (isOver()) return true;
      const next = this.#queue.peek();
      if (!next || next.dueAt > end) break;
      this.#queue.pop();
      if (!this.#takePlace(next)) continue;
      await breathe();
    }
    this.#elapsed = end;
    return isOver();
  }

  #takePlace(event: Event): boolean {
    const { actor } = event;
    if (event.isOff || actor?.isAlive === false) return false;
    if (actor && actor.stoppedUntil > event.dueAt) {
      event.dueAt = actor.stoppedUntil;
      this.#queue.push(event);
      return false;
    }
    this.#elapsed = event.dueAt;
    if (++this.#events > MAX_EVENTS) throw new Error(`more than ${MAX_EVENTS} events`);
    event.happen();
    return true;
  }
}

/** All promises that can go on do so before the next event. */
function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
