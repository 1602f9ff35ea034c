// The messages of iSCSI (RFC 7143) as far as a login and three SCSI commands go: a header of 48 bytes
// and a data segment, padded to four.
import type { ByteStream } from './byte-stream.ts';
import { ProbeError } from './trace.ts';

export const OPCODE = {
  nopOut: 0x00,
  command: 0x01,
  login: 0x03,
  text: 0x04,
  logout: 0x06,
  nopIn: 0x20,
  response: 0x21,
  loginResponse: 0x23,
  textResponse: 0x24,
  dataIn: 0x25,
  logoutResponse: 0x26,
} as const;

export interface Pdu {
  readonly opcode: number;
  readonly header: Buffer;
  readonly data: Buffer;
}

const HEADER_BYTES = 48;
/** What we tell the target that it may send, and a login's most. */
export const DATA_BYTES_MAX = 65_536;
const IMMEDIATE = 0x40;

/** A header with its opcode, flags and length; the caller fills in the rest. */
export function newHeader(opcode: number, flags: number, dataBytes: number): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header[0] = opcode | IMMEDIATE;
  header[1] = flags;
  header.writeUIntBE(dataBytes, 5, 3);
  return header;
}

export function send(stream: ByteStream, header: Buffer, data: Buffer = Buffer.alloc(0)): void {
  const padding = Buffer.alloc((4 - (data.length % 4)) % 4);
  stream.write(Buffer.concat([header, data, padding]));
}

export async function receive(stream: ByteStream): Promise<Pdu> {
  const header = Buffer.from(await stream.read(HEADER_BYTES));
  const opcode = header[0]! & 0x3f;
  const extraBytes = header[4]! * 4;
  const dataBytes = header.readUIntBE(5, 3);
  if (!Object.values<number>(OPCODE).includes(opcode) && opcode < 0x20) throw notIscsi();
  if (dataBytes > DATA_BYTES_MAX) throw notIscsi();
  if (extraBytes > 0) await stream.read(extraBytes);
  const data = Buffer.from(await stream.read(dataBytes + ((4 - (dataBytes % 4)) % 4)));
  return { opcode, header, data: data.subarray(0, dataBytes) };
}

export function notIscsi(): ProbeError {
  const message = 'something answered, but not as an iSCSI portal does';
  return new ProbeError('Protocol', 'NotIscsi', message);
}

export type TextPairs = readonly (readonly [name: string, value: string])[];

export function encodeText(pairs: TextPairs): Buffer {
  return Buffer.from(pairs.map(([name, value]) => `${name}=${value}\0`).join(''), 'utf8');
}

export function decodeText(data: Buffer): TextPairs {
  return data
    .toString('utf8')
    .split('\0')
    .filter((pair) => pair.includes('='))
    .map((pair) => {
      const at = pair.indexOf('=');
      return [pair.slice(0, at), pair.slice(at + 1)] as const;
    });
}
