// Turns names into addresses. Node looks names up on four threads that everything shares: names whose
// server is dead would hold them all, and with them every other connection this process makes. So
// probes use few of them at a time, and probes of the same name share one look.
import { lookup } from 'node:dns/promises';
import { Turns } from './turns.ts';

export interface FoundAddress {
  readonly address: string;
  readonly family: number;
}

/** Of the four threads; the others stay for the API server and the cloud. */
const LOOKUPS_AT_ONCE = 2;

const turns = new Turns(LOOKUPS_AT_ONCE);
const underWay = new Map<string, Promise<FoundAddress[]>>();

/** Rejects with the resolver's error, or with the signal's reason; the look itself then goes on. */
export async function lookUp(host: string, signal: AbortSignal): Promise<FoundAddress[]> {
  let look = underWay.get(host);
  if (!look) {
    look = turns.take(() => lookup(host, { all: true }));
    underWay.set(host, look);
    const forget = (): void => void underWay.delete(host);
    look.then(forget, forget);
  }
  return unlessAborted(look, signal);
}

export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((fulfil, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(fulfil, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
