// A probe's end, however it comes: its own time is up, or whoever asked for it goes away.
import type { Clock } from '../runtime/clock.ts';
import { PoolkeeperError } from '../runtime/errors.ts';

/** Runs the work with a signal that fires at the deadline or with the outer one. */
export async function withDeadline<T>(
  clock: Clock,
  { timeoutMilliseconds, signal }: { timeoutMilliseconds: number; signal: AbortSignal },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = new AbortController();
  const cancel = clock.schedule(timeoutMilliseconds, () => {
    deadline.abort(new PoolkeeperError('Timeout', 'the probe took too long'));
  });
  const stopped = (): void => deadline.abort(signal.reason);
  if (signal.aborted) stopped();
  signal.addEventListener('abort', stopped, { once: true });
  try {
    return await work(deadline.signal);
  } finally {
    cancel();
    signal.removeEventListener('abort', stopped);
  }
}
