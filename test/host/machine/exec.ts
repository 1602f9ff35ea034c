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
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', reject);
    socket.on('close', () => {
      const all = Buffer.concat(chunks);
      const end = ENDED.exec(all.subarray(-64).toString('latin1'));
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
