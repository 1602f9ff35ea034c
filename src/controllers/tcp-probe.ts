// Whether a port of a machine answers: opened, and closed again without a word.
import { connect } from 'node:net';
import type { Clock } from '../runtime/clock.ts';

export interface TcpProbe {
  /** Never rejects: whatever goes wrong, the port does not answer yet. */
  isOpen(address: string, port: number, signal: AbortSignal | undefined): Promise<boolean>;
}

/** A host in the same network answers in milliseconds; a silent one is asked again soon. */
const TIMEOUT_MILLISECONDS = 5_000;

export function createTcpProbe(clock: Clock): TcpProbe {
  return {
    isOpen: (host, port, signal) =>
      new Promise((resolve) => {
        const socket = connect({ host, port });
        const cancel = clock.schedule(TIMEOUT_MILLISECONDS, () => end(false));
        const abort = (): void => end(false);
        const end = (isOpen: boolean): void => {
          cancel();
          signal?.removeEventListener('abort', abort);
          socket.destroy();
          resolve(isOpen);
        };
        signal?.addEventListener('abort', abort, { once: true });
        socket.on('error', () => end(false));
        socket.once('connect', () => end(true));
        if (signal?.aborted) end(false);
      }),
  };
}
