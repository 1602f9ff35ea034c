// Waiting for something to become true, with a deadline instead of a sleep.
import { sleep, systemClock } from '../../src/runtime/clock.ts';

export interface Patience {
  readonly withinSeconds?: number;
  /** Asked for only when time is up: what the world looks like instead. */
  readonly because?: () => unknown | Promise<unknown>;
}

const POLL_MILLISECONDS = 20;

/** A busy machine is no failure. Who expects failures, as the mutations do, need not wait so long. */
const PATIENCE_SECONDS = 60;
const PATIENCE_SECONDS_MAX = Number(process.env['TEST_PATIENCE_SECONDS'] ?? Infinity);

/** Resolves with the first truthy answer; rejects, saying what it waited for, when time is up. */
export async function eventually<T>(
  what: string,
  look: () => T | Promise<T>,
  { withinSeconds: asked = PATIENCE_SECONDS, because }: Patience = {},
): Promise<Exclude<T, undefined | null | false>> {
  const withinSeconds = Math.min(asked, PATIENCE_SECONDS_MAX);
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
