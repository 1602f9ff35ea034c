// As much of ONC RPC (RFC 5531) over TCP as it takes to ask an NFS server whether it is there: calls
// without arguments or with four numbers, answered by nothing or by one.
import type { ByteStream } from './byte-stream.ts';
import { ProbeError } from './trace.ts';

export const PROGRAM = { portmapper: 100_000, nfs: 100_003, mount: 100_005 } as const;

export interface RpcCall {
  readonly program: number;
  readonly version: number;
  readonly procedure: number;
  readonly arguments?: readonly number[];
}

/** Far more than any answer to such a call; a larger one is no RPC. */
const ANSWER_BYTES_MAX = 64 * 1024;
const LAST_FRAGMENT = 0x8000_0000;
const CALL_ID = 0x706f_6f6c;
const VERIFIER_BYTES_MAX = 400;

/** The result's bytes. Throws a ProbeError in words for everything else. */
export async function call(stream: ByteStream, request: RpcCall): Promise<Buffer> {
  stream.write(encode(request));
  const fragments: Buffer[] = [];
  let size = 0;
  for (let isLast = false; !isLast; ) {
    const mark = (await stream.read(4)).readUInt32BE(0);
    isLast = mark >= LAST_FRAGMENT;
    const length = mark % LAST_FRAGMENT;
    size += length;
    if (size > ANSWER_BYTES_MAX) throw notRpc();
    fragments.push(await stream.read(length));
  }
  return decode(Buffer.concat(fragments), request);
}

function encode({ program, version, procedure, arguments: given = [] }: RpcCall): Buffer {
  // Call 0, RPC version 2; no credentials, no verifier: AUTH_NONE and no bytes, twice.
  const words = [CALL_ID, 0, 2, program, version, procedure, 0, 0, 0, 0, ...given];
  const message = Buffer.alloc(4 + words.length * 4);
  message.writeUInt32BE(LAST_FRAGMENT + words.length * 4, 0);
  for (const [index, word] of words.entries()) message.writeUInt32BE(word, 4 + index * 4);
  return message;
}

function decode(answer: Buffer, request: RpcCall): Buffer {
  const word = (index: number): number => {
    if (answer.length < (index + 1) * 4) throw notRpc();
    return answer.readUInt32BE(index * 4);
  };
  if (word(0) !== CALL_ID || word(1) !== 1) throw notRpc();
  if (word(2) === 1)
    throw new ProbeError('Protocol', 'RpcRefused', 'the server refuses calls without credentials');
  const verifierBytes = word(4);
  if (word(2) !== 0 || verifierBytes > VERIFIER_BYTES_MAX) throw notRpc();
  const status = 5 + Math.ceil(verifierBytes / 4);
  const name = nameOf(request);
  switch (word(status)) {
    case 0:
      return answer.subarray((status + 1) * 4);
    case 1:
      throw new ProbeError('Protocol', 'ProgramUnavailable', `${name} is not offered there`);
    case 2: {
      const [low, high] = [word(status + 1), word(status + 2)];
      const spoken = low === high ? `${low}` : `${low} to ${high}`;
      const message = `it speaks version ${spoken} of ${name}, not ${request.version}`;
      throw new ProbeError('Protocol', 'VersionMismatch', message);
    }
    default:
      throw new ProbeError('Protocol', 'RpcFailed', `${name} failed to answer the simplest call`);
  }
}

function nameOf({ program }: RpcCall): string {
  if (program === PROGRAM.nfs) return 'NFS';
  return program === PROGRAM.mount ? 'the mount service' : 'rpcbind';
}

function notRpc(): ProbeError {
  return new ProbeError('Protocol', 'NotRpc', 'something answered, but not as an NFS server does');
}
