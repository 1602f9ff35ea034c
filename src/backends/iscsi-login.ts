// Logs in to an iSCSI portal as open-iscsi would, CHAP included, but in this process: no kernel session,
// no device that anything on the machine could find and use.
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Random } from '../runtime/random.ts';
import type { ByteStream } from './byte-stream.ts';
import {
  DATA_BYTES_MAX,
  decodeText,
  encodeText,
  newHeader,
  notIscsi,
  OPCODE,
  type Pdu,
  receive,
  send,
  type TextPairs,
} from './iscsi-pdu.ts';
import { ProbeError } from './trace.ts';

export interface ChapCredentials {
  readonly username: string;
  readonly password: string;
  /** With these the target must prove itself too. */
  readonly mutual?: { readonly username: string; readonly password: string } | undefined;
}

export interface LoginOptions {
  readonly initiatorName: string;
  /** Left out: a discovery session. */
  readonly targetName?: string;
  readonly chap?: ChapCredentials | undefined;
  readonly random: Random;
}

/** What later messages of the session need to carry on with. */
export interface Session {
  statusNumber: number;
  commandNumber: number;
}

const STAGE = { security: 0, operational: 1, full: 3 } as const;
const TRANSIT = 0x80;
/** Rounds of negotiation; a sane target takes four. */
const ROUNDS_MAX = 10;
const MD5 = '5';
const CHALLENGE_BYTES = 16;

export async function logIn(stream: ByteStream, options: LoginOptions): Promise<Session> {
  return new Login(stream, options).run();
}

class Login {
  readonly #stream: ByteStream;
  readonly #options: LoginOptions;
  /** Of the "random" sort: a session of the machine's own initiator is never taken over. */
  readonly #sessionId: Buffer;
  #handle = 0;
  readonly #session: Session = { statusNumber: 0, commandNumber: 1 };
  #stage: number = STAGE.security;

  constructor(stream: ByteStream, options: LoginOptions) {
    this.#stream = stream;
    this.#options = options;
    const id = options.random.bytes(5);
    this.#sessionId = Buffer.from([0x80, ...id]);
  }

  async run(): Promise<Session> {
    await this.#authenticate();
    await this.#negotiate();
    return this.#session;
  }

  async #authenticate(): Promise<void> {
    const { initiatorName, targetName, chap } = this.#options;
    const named: TextPairs = [
      ['InitiatorName', initiatorName],
      ...(targetName === undefined
        ? ([['SessionType', 'Discovery']] as const)
        : ([
            ['SessionType', 'Normal'],
            ['TargetName', targetName],
          ] as const)),
      ['AuthMethod', chap ? 'CHAP' : 'None'],
    ];
    const first = await this.#exchange(named, chap ? undefined : STAGE.operational);
    const method = textOf(first, 'AuthMethod');
    if (!chap) {
      if (method === 'Reject' || method?.includes('CHAP'))
        throw new ProbeError(
          'Authorization',
          'ChapWanted',
          'the target refuses a login without CHAP',
        );
      return;
    }
    if (method !== undefined && method !== 'CHAP')
      throw new ProbeError('Authorization', 'ChapNotOffered', 'the target does not want CHAP');
    await this.#proveOurselves(chap);
  }

  async #proveOurselves(chap: ChapCredentials): Promise<void> {
    const offered = await this.#exchange([['CHAP_A', MD5]], undefined);
    const [identifier, challenge] = [textOf(offered, 'CHAP_I'), textOf(offered, 'CHAP_C')];
    if (identifier === undefined || challenge === undefined)
      throw new ProbeError('Authorization', 'ChapNotOffered', 'the target offers no CHAP with MD5');
    const answer = digest(Number(identifier), chap.password, bytesOf(challenge));
    const ours = Buffer.from(this.#options.random.bytes(CHALLENGE_BYTES));
    const ourIdentifier = ours[0]!;
    const reply: TextPairs = [
      ['CHAP_N', chap.username],
      ['CHAP_R', `0x${answer.toString('hex')}`],
      ...(chap.mutual
        ? ([
            ['CHAP_I', String(ourIdentifier)],
            ['CHAP_C', `0x${ours.toString('hex')}`],
          ] as const)
        : []),
    ];
    const end = await this.#exchange(reply, STAGE.operational);
    if (chap.mutual) checkTarget(end, chap.mutual, { identifier: ourIdentifier, challenge: ours });
  }

  async #negotiate(): Promise<void> {
    const forData: TextPairs =
      this.#options.targetName === undefined
        ? []
        : [
            ['MaxConnections', '1'],
            ['InitialR2T', 'Yes'],
            ['ImmediateData', 'No'],
            ['MaxBurstLength', String(DATA_BYTES_MAX)],
            ['FirstBurstLength', String(DATA_BYTES_MAX)],
            ['MaxOutstandingR2T', '1'],
            ['DataPDUInOrder', 'Yes'],
            ['DataSequenceInOrder', 'Yes'],
          ];
    let pairs: TextPairs = [
      ['HeaderDigest', 'None'],
      ['DataDigest', 'None'],
      ['DefaultTime2Wait', '2'],
      ['DefaultTime2Retain', '0'],
      ['ErrorRecoveryLevel', '0'],
      ['MaxRecvDataSegmentLength', String(DATA_BYTES_MAX)],
      ...forData,
    ];
    for (let round = 0; round < ROUNDS_MAX; round++) {
      await this.#exchange(pairs, STAGE.full);
      if (this.#stage === STAGE.full) return;
      pairs = [];
    }
    throw notIscsi();
  }

  /** One request and its answer; `next` asks to go on to that stage. */
  async #exchange(pairs: TextPairs, next: number | undefined): Promise<TextPairs> {
    const data = encodeText(pairs);
    const flags = (next === undefined ? 0 : TRANSIT | next) | (this.#stage << 2);
    const header = newHeader(OPCODE.login, flags, data.length);
    this.#sessionId.copy(header, 8);
    header.writeUInt16BE(this.#handle, 14);
    header.writeUInt32BE(1, 16);
    header.writeUInt32BE(this.#session.commandNumber, 24);
    header.writeUInt32BE(this.#session.statusNumber, 28);
    send(this.#stream, header, data);
    const answer = await receive(this.#stream);
    if (answer.opcode !== OPCODE.loginResponse) throw notIscsi();
    const said = decodeText(answer.data);
    this.#judge(answer, said);
    this.#handle = answer.header.readUInt16BE(14);
    this.#session.statusNumber = (answer.header.readUInt32BE(24) + 1) >>> 0;
    const answered = answer.header[1]!;
    if (answered & TRANSIT) this.#stage = answered & 3;
    return said;
  }

  #judge({ header }: Pdu, said: TextPairs): void {
    const [statusClass, detail] = [header[36]!, header[37]!];
    if (statusClass === 0) return;
    if (statusClass === 1) {
      const place = textOf(said, 'TargetAddress') ?? 'another portal';
      throw new ProbeError('Protocol', 'TargetMoved', `the target is at ${place}`);
    }
    if (statusClass === 3) {
      const message = `the target can't serve a login now (${detail})`;
      throw new ProbeError('Protocol', 'TargetInTrouble', message);
    }
    throw this.#refusal(statusClass, detail);
  }

  #refusal(statusClass: number, detail: number): ProbeError {
    const { initiatorName, targetName, chap } = this.#options;
    if (detail === 1 && chap)
      return new ProbeError(
        'Authorization',
        'ChapRefused',
        'the target refuses the CHAP credentials',
      );
    if (detail === 1)
      return new ProbeError(
        'Authorization',
        'ChapWanted',
        'the target refuses a login without CHAP',
      );
    if (detail === 2) {
      const message = `the target does not admit the initiator ${initiatorName}`;
      return new ProbeError('Authorization', 'InitiatorRefused', message);
    }
    if (detail === 3 || detail === 4)
      return new ProbeError('Protocol', 'NoSuchTarget', `the portal has no target ${targetName}`);
    const message = `the target refuses the login (${statusClass}/${detail})`;
    return new ProbeError('Protocol', 'LoginFailed', message);
  }
}

function checkTarget(
  said: TextPairs,
  expected: { readonly username: string; readonly password: string },
  asked: { readonly identifier: number; readonly challenge: Buffer },
): void {
  const [name, answer] = [textOf(said, 'CHAP_N'), textOf(said, 'CHAP_R')];
  if (name === undefined || answer === undefined)
    throw new ProbeError(
      'Authorization',
      'MutualChapNotOffered',
      'the target accepts us, but does not prove itself',
    );
  const wanted = digest(asked.identifier, expected.password, asked.challenge);
  const given = bytesOf(answer);
  const isProven = given.length === wanted.length && timingSafeEqual(given, wanted);
  if (!isProven || name !== expected.username)
    throw new ProbeError('Authorization', 'TargetNotTrusted', 'the target fails to prove itself');
}

function digest(identifier: number, secret: string, challenge: Buffer): Buffer {
  return createHash('md5')
    .update(Buffer.from([identifier & 255]))
    .update(secret, 'utf8')
    .update(challenge)
    .digest();
}

/** iSCSI's binary values: `0x` and hexadecimal digits, or `0b` and base64. */
function bytesOf(value: string): Buffer {
  if (/^0b/i.test(value)) return Buffer.from(value.slice(2), 'base64');
  return Buffer.from(value.replace(/^0x/i, ''), 'hex');
}

function textOf(pairs: TextPairs, name: string): string | undefined {
  return pairs.find(([key]) => key === name)?.[1];
}
