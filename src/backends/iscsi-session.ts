// What a probe asks within an iSCSI session: which targets there are, and how large a unit is.
import type { ByteStream } from './byte-stream.ts';
import type { Session } from './iscsi-login.ts';
import {
  decodeText,
  encodeText,
  newHeader,
  notIscsi,
  OPCODE,
  type Pdu,
  receive,
  send,
} from './iscsi-pdu.ts';
import { ProbeError } from './trace.ts';

const FINAL = 0x80;
const READ = 0x40;
const SIMPLE = 0x01;
const NO_TAG = 0xffff_ffff;
const GOOD = 0;
const CHECK_CONDITION = 2;
/** A unit first reports what happened to it since: a reset, a new login. */
const ATTENTIONS_MAX = 5;
const CONTINUES = 0x40;
const TEXT_ROUNDS_MAX = 32;

/** The names of the targets that the portal offers to us. */
export async function sendTargets(stream: ByteStream, session: Session): Promise<string[]> {
  const names: string[] = [];
  let transferTag = NO_TAG;
  let data = encodeText([['SendTargets', 'All']]);
  for (let round = 0; round < TEXT_ROUNDS_MAX; round++) {
    const header = newHeader(OPCODE.text, FINAL, data.length);
    header.writeUInt32BE(2, 16);
    header.writeUInt32BE(transferTag, 20);
    number(header, session);
    send(stream, header, data);
    const answer = await next(stream, session, OPCODE.textResponse);
    for (const [name, value] of decodeText(answer.data))
      if (name === 'TargetName') names.push(value);
    if (!(answer.header[1]! & CONTINUES)) return names;
    transferTag = answer.header.readUInt32BE(20);
    data = Buffer.alloc(0);
  }
  return names;
}

/** In bytes. Throws a ProbeError when the target has no such unit, or it does not say. */
export async function readCapacity(
  stream: ByteStream,
  session: Session,
  unit: number,
): Promise<number> {
  const inquiry = await command(stream, session, { unit, cdb: [0x12, 0, 0, 0, 36, 0], bytes: 36 });
  // No device is connected there, and there can't be one.
  if ((inquiry[0] ?? 0) >> 5 === 3) throw noSuchUnit(unit);
  const long = [0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0];
  const answer = await command(stream, session, { unit, cdb: long, bytes: 32 });
  if (answer.length < 12) throw notIscsi();
  const blocks = answer.readBigUInt64BE(0) + 1n;
  return Number(blocks * BigInt(answer.readUInt32BE(8)));
}

interface Command {
  readonly unit: number;
  readonly cdb: readonly number[];
  /** What it is expected to return. */
  readonly bytes: number;
}

async function command(stream: ByteStream, session: Session, asked: Command): Promise<Buffer> {
  for (let attention = 0; attention < ATTENTIONS_MAX; attention++) {
    const { status, data, sense } = await once(stream, session, asked);
    if (status === GOOD) return data;
    const [key, code] = [(sense[2] ?? 0) & 0x0f, sense[12] ?? 0];
    const isAttention = status === CHECK_CONDITION && key === 6;
    if (isAttention) continue;
    // Illegal request, logical unit not supported.
    if (key === 5 && code === 0x25) throw noSuchUnit(asked.unit);
    const message = `unit ${asked.unit} is not ready (SCSI status ${status}, sense ${key}/${code})`;
    throw new ProbeError('Capacity', 'LunNotReady', message);
  }
  throw new ProbeError('Capacity', 'LunNotReady', `unit ${asked.unit} keeps being reset`);
}

async function once(
  stream: ByteStream,
  session: Session,
  { unit, cdb, bytes }: Command,
): Promise<{ status: number; data: Buffer; sense: Buffer }> {
  const header = newHeader(OPCODE.command, FINAL | READ | SIMPLE, 0);
  // Units up to 255 by number, above that in the flat form.
  header[8] = unit < 256 ? 0 : 0x40 | (unit >> 8);
  header[9] = unit & 255;
  header.writeUInt32BE(3, 16);
  header.writeUInt32BE(bytes, 20);
  number(header, session);
  Buffer.from(cdb).copy(header, 32);
  send(stream, header);
  const parts: Buffer[] = [];
  for (;;) {
    const answer = await next(stream, session, OPCODE.dataIn, OPCODE.response);
    const isResponse = answer.opcode === OPCODE.response;
    if (!isResponse) parts.push(answer.data);
    const hasStatus = isResponse || (answer.header[1]! & 1) === 1;
    // The sense data has its own length before it.
    const sense = isResponse ? answer.data.subarray(2) : Buffer.alloc(0);
    if (hasStatus) return { status: answer.header[3]!, data: Buffer.concat(parts), sense };
  }
}

/** Logs out, so that the target keeps no state of this login. */
export async function logOut(stream: ByteStream, session: Session): Promise<void> {
  const header = newHeader(OPCODE.logout, FINAL, 0);
  header.writeUInt32BE(4, 16);
  number(header, session);
  send(stream, header);
  await next(stream, session, OPCODE.logoutResponse);
}

function number(header: Buffer, session: Session): void {
  header.writeUInt32BE(session.commandNumber, 24);
  header.writeUInt32BE(session.statusNumber, 28);
}

/** The next message of one of these sorts; pings in between are answered. */
async function next(
  stream: ByteStream,
  session: Session,
  ...opcodes: readonly number[]
): Promise<Pdu> {
  for (;;) {
    const pdu = await receive(stream);
    const isPing = pdu.opcode === OPCODE.nopIn;
    const isLast = pdu.opcode !== OPCODE.dataIn || (pdu.header[1]! & 1) === 1;
    if (isLast && !isPing) session.statusNumber = (pdu.header.readUInt32BE(24) + 1) >>> 0;
    if (opcodes.includes(pdu.opcode)) return pdu;
    if (!isPing) throw notIscsi();
    if (pdu.header.readUInt32BE(20) !== NO_TAG) answerPing(stream, session, pdu);
  }
}

function answerPing(stream: ByteStream, session: Session, { header: asked }: Pdu): void {
  const header = newHeader(OPCODE.nopOut, FINAL, 0);
  asked.copy(header, 8, 8, 16);
  header.writeUInt32BE(NO_TAG, 16);
  asked.copy(header, 20, 20, 24);
  number(header, session);
  send(stream, header);
}

function noSuchUnit(unit: number): ProbeError {
  return new ProbeError('Capacity', 'NoSuchLun', `the target has no unit ${unit}`);
}
