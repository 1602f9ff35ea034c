// Sends one script to a test machine and reads what came of it.
import { connect } from 'node:net';

export interface Answer {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

const ENDED = /\nENDED (\d+) (\d+)\n$/;

export function askMachine(port: number, token: string, script: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    const chunks: Buffer[] = [];
    socket.on('connect', () => {
      const body = Buffer.from(script);
      socket.write(`${token} ${body.length}\n`);
      socket.write(body);
    });
    let tail: Buffer = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      tail = Buffer.concat([tail, chunk]).subarray(-64);
      // What a script leaves running may hold the connection open: its end is what the script said.
      if (ENDED.test(tail.toString('latin1'))) socket.destroy();
    });
    socket.on('error', reject);
    socket.on('close', () => {
      const end = ENDED.exec(tail.toString('latin1'));
      const all = Buffer.concat(chunks);
      if (!end) {
        reject(new Error(`The connection ended early: ${all.subarray(-200)}`));
        return;
      }
      const said = all.subarray(0, all.length - end[0].length);
      const split = said.length - Number(end[2]);
      resolve({
        status: Number(end[1]),
        stdout: said.subarray(0, split).toString(),
        stderr: said.subarray(split).toString(),
      });
    });
  });
}
