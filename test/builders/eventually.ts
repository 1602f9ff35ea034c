// Waiting for something to become true, with a deadline instead of a sleep.
import { sleep, systemClock } from '../../src/runtime/clock.ts';

export interface Patience {
  readonly withinSeconds?: number;
  /** Asked for only when time is up: what the world looks like instead. */
  readonly because?: () => unknown | Promise<unknown>;
}

const POLL_MILLISECONDS = 20;

/** Resolves with the first truthy answer; rejects, saying what it waited for, when time is up. */
export async function eventually<T>(
  what: string,
  look: () => T | Promise<T>,
  { withinSeconds = 60, because }: Patience = {},
): Promise<Exclude<T, undefined | null | false>> {
  const deadline = systemClock.monotonic() + withinSeconds * 1000;
  for (;;) {
    const found = await look();
    if (found) return found as Exclude<T, undefined | null | false>;
    if (systemClock.monotonic() > deadline) break;
    await sleep(systemClock, POLL_MILLISECONDS);
  }
  const instead = because ? JSON.stringify(await because(), undefined, 1) : '';
  throw new Error(`not within ${withinSeconds} s: ${what}\n${instead}`);
}
