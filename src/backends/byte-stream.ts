// A connection read in pieces of exactly the wanted length, for protocols with headers of fixed size.
import type { Socket } from 'node:net';
import { unlessAborted } from './names.ts';
import { ProbeError } from './trace.ts';

/** The other side hung up in the middle of an answer. */
const ENDED = 'the connection ended before the answer';

export class ByteStream {
  readonly #socket: Socket;
  readonly #signal: AbortSignal;
  #chunks: Buffer[] = [];
  #size = 0;
  #end: Error | undefined;
  #wake: () => void = () => {};

  constructor(socket: Socket, signal: AbortSignal) {
    this.#socket = socket;
    this.#signal = signal;
    socket.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#size += chunk.length;
      this.#wake();
    });
    const end = (error?: Error & { code?: string }): void => {
      this.#end ??= new ProbeError('Protocol', error?.code ?? 'Ended', ENDED);
      this.#wake();
    };
    socket.on('error', end);
    socket.on('close', () => end());
    socket.on('end', () => end());
  }

  async read(length: number): Promise<Buffer> {
    while (this.#size < length) {
      if (this.#end) throw this.#end;
      const more = new Promise<void>((wake) => {
        this.#wake = wake;
      });
      await unlessAborted(more, this.#signal);
    }
    const all = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
    const rest = all.subarray(length);
    this.#chunks = rest.length > 0 ? [rest] : [];
    this.#size = rest.length;
    return all.subarray(0, length);
  }

  write(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  close(): void {
    this.#socket.destroy();
  }
}
