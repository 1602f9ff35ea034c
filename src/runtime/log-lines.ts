// Writes the log's lines to a file descriptor, all of one turn of the event loop with one system call.
// Logging never throws and never waits: what a slow reader does not take is kept up to a limit, then dropped;
// without a reader everything is. When the process ends, what is left is written.
import { writeSync } from 'node:fs';

/** Enough for minutes of a busy operator. */
const MAX_UNWRITTEN_BYTES = 8 * 2 ** 20;

export interface LineWriter {
  write(line: string): void;
  /** Writes what is left, and waits for a slow reader for a second at most. */
  flush(): void;
}

const PATIENCE_TRIES = 100;
const PATIENCE_MILLISECONDS = 10;

type Write = (fd: number, bytes: Uint8Array) => number;

export function writeLines(fd: number, write: Write = writeSync, wait = block): LineWriter {
  let lines: string[] = [];
  let unwritten: Uint8Array = new Uint8Array();
  let isScheduled = false;

  const send = (): void => {
    isScheduled = false;
    const added = lines.join('');
    lines = [];
    const room = unwritten.length < MAX_UNWRITTEN_BYTES;
    if (added !== '' && room) unwritten = Buffer.concat([unwritten, Buffer.from(added)]);
    try {
      while (unwritten.length > 0) unwritten = unwritten.subarray(write(fd, unwritten));
    } catch (error) {
      // The next line tries again; a reader that is gone does not come back.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') unwritten = new Uint8Array();
    }
  };

  return {
    write(line) {
      lines.push(line);
      if (isScheduled) return;
      isScheduled = true;
      setImmediate(send);
    },
    flush() {
      send();
      for (let tries = 0; unwritten.length > 0 && tries < PATIENCE_TRIES; tries++) {
        wait(PATIENCE_MILLISECONDS);
        send();
      }
    },
  };
}

/** Only at the end of the process, when nothing else is left to be held up. */
function block(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}
