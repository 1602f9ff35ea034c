// Time is a port: everything that reads the clock or waits does it here, so that a simulation
// can run hours of operation in milliseconds and replay them exactly.

export interface Clock {
  /** Wall-clock time in milliseconds since the Unix epoch. For timestamps shown to people. */
  now(): number;
  /** Milliseconds that only ever grow. For durations, deadlines and leases. */
  monotonic(): number;
  /** Calls `callback` once after `delayMilliseconds`; the returned function cancels it. */
  schedule(delayMilliseconds: number, callback: () => void): () => void;
}

/** Node's timers fire at once for delays above 2^31-1 ms; longer ones are re-armed in pieces. */
const MAX_TIMER_MILLISECONDS = 2_000_000_000;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  schedule(delayMilliseconds, callback) {
    let timer: NodeJS.Timeout;
    const arm = (remaining: number): void => {
      const piece = Math.min(Math.max(remaining, 0), MAX_TIMER_MILLISECONDS);
      timer = setTimeout(() => (remaining > piece ? arm(remaining - piece) : callback()), piece);
    };
    arm(delayMilliseconds);
    return () => clearTimeout(timer);
  },
};

/** Resolves after the delay; rejects with the signal's reason when aborted first. */
export function sleep(
  clock: Clock,
  delayMilliseconds: number,
  signal?: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = (): void => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = clock.schedule(delayMilliseconds, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** RFC 3339 with whole seconds, as metav1.Time is written: `2026-01-31T12:00:00Z`. */
export function formatTime(epochMilliseconds: number): string {
  return `${new Date(epochMilliseconds).toISOString().slice(0, 19)}Z`;
}

/** RFC 3339 with six digits, as metav1.MicroTime (Leases, Events) must be written. */
export function formatMicroTime(epochMilliseconds: number): string {
  return `${new Date(epochMilliseconds).toISOString().slice(0, 23)}000Z`;
}
