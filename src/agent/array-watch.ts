// Notices ahead of the next regular look that an array lost or regained a member, or that it began or
// ended to copy: the kernel's own summary of all arrays is one small file, read without a process and
// without touching a disk. (The kernel would wake whoever polls that file; nothing here can poll.)
import type { Clock } from '../runtime/clock.ts';
import { sleep } from '../runtime/clock.ts';
import type { HostPort } from './host-port.ts';

export interface ArrayWatchOptions {
  readonly clock: Clock;
  readonly host: HostPort;
  /** Whether this node has arrays to look after; without them nothing is read. */
  readonly isNeeded: () => boolean;
  readonly changed: () => void;
}

/** A failed disk is told of in seconds; the file costs some ten microseconds to read. */
const LOOK_MILLISECONDS = 2000;

/** Resolves once the signal aborts. */
export async function watchArrays(options: ArrayWatchOptions, signal: AbortSignal): Promise<void> {
  const { clock, host, isNeeded, changed } = options;
  let last: string | undefined;
  while (!signal.aborted) {
    await sleep(clock, LOOK_MILLISECONDS, signal).catch(() => {});
    if (signal.aborted) return;
    const text = isNeeded()
      ? await host.readFile('/proc/mdstat').catch(() => undefined)
      : undefined;
    const now = text === undefined ? undefined : summarise(text);
    if (last !== undefined && now !== undefined && now !== last) changed();
    last = now;
  }
}

/**
 * What of `/proc/mdstat` is news: each array's state and members with their marks, how many of them
 * work, and what it is busy with. How far it has come changes all the time and is told elsewhere.
 */
export function summarise(mdstat: string): string {
  const news = mdstat.split('\n').flatMap((line) => {
    if (/^md/.test(line) || / blocks /.test(line)) return [line.trim()];
    return line.match(/\b(resync|recovery|reshape|check|repair)\b/)?.[0] ?? [];
  });
  return news.join('\n');
}
