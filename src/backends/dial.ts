// Opens the connection for a probe: name, address check, TCP, TLS, each timed and each with an error
// of its own. It connects to the very addresses that were checked, so a name that resolves to
// something else a moment later gains nothing.
import { lookup } from 'node:dns/promises';
import { connect as connectTcp, isIP, type LookupFunction, type Socket } from 'node:net';
import { connect as connectTls, getCACertificates, type TLSSocket } from 'node:tls';
import type { ProbeStage } from '../../plan/storage-backend-probe.ts';
import type { Clock } from '../../runtime/clock.ts';
import { messageOf } from '../../runtime/errors.ts';
import type { AddressRules } from './addresses.ts';

/** Where a probe is, and what it has learnt on the way; written as it goes. */
export interface Trace {
  stage: ProbeStage;
  nameMilliseconds?: number;
  connectionMilliseconds?: number;
  tlsMilliseconds?: number;
  answerMilliseconds?: number;
  certificateEndsAt?: number;
}

export class ProbeError extends Error {
  readonly stage: ProbeStage;
  readonly code: string;

  constructor(stage: ProbeStage, code: string, message: string) {
    super(message);
    this.name = 'ProbeError';
    this.stage = stage;
    this.code = code;
  }
}

export interface DialOptions {
  readonly clock: Clock;
  readonly rules: AddressRules;
  /** `host name → ip:port`. What an installation maps itself is not checked. */
  readonly hostAliases: Readonly<Record<string, string>>;
  /** PEM, trusted besides the usual ones. */
  readonly caCertificates: string | undefined;
  readonly signal: AbortSignal;
  readonly trace: Trace;
}

interface Target {
  readonly host: string;
  readonly port: number;
  readonly addresses: readonly { readonly address: string; readonly family: number }[];
}

export async function dial(url: URL, options: DialOptions): Promise<Socket> {
  const { trace } = options;
  const target = await resolve(url, options);
  trace.stage = 'connection';
  const socket = await timed(options, 'connectionMilliseconds', () => openTcp(target, options));
  if (url.protocol !== 'https:') {
    trace.stage = 'answer';
    return socket;
  }
  trace.stage = 'tls';
  const secured = await timed(options, 'tlsMilliseconds', () => secure(socket, target, options));
  trace.stage = 'answer';
  return secured;
}

async function timed<T>(
  { clock, trace }: DialOptions,
  field: 'nameMilliseconds' | 'connectionMilliseconds' | 'tlsMilliseconds',
  work: () => Promise<T>,
): Promise<T> {
  const startedAt = clock.monotonic();
  const result = await work();
  trace[field] = clock.monotonic() - startedAt;
  return result;
}

async function resolve(url: URL, options: DialOptions): Promise<Target> {
  const { trace, rules, hostAliases } = options;
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
  const alias = Object.hasOwn(hostAliases, host) ? hostAliases[host] : undefined;
  if (alias !== undefined) {
    const { hostname, port: aliasPort } = new URL(`http://${alias}`);
    const address = hostname.replace(/^\[|\]$/g, '');
    const addresses = [{ address, family: isIP(address) }];
    return { host, port: Number(aliasPort || 80), addresses };
  }
  trace.stage = 'name';
  const found =
    isIP(host) === 0
      ? await timed(options, 'nameMilliseconds', () => lookUp(host))
      : [{ address: host, family: isIP(host) }];
  trace.stage = 'address';
  const refusals = found.map(({ address }) => rules.refusalOf(address, port));
  const allowed = found.filter((_, index) => refusals[index] === undefined);
  if (allowed.length === 0) {
    const address = isIP(host) === 0 ? `${host} resolves to ${found[0]?.address}, which` : host;
    const message = `${address} may not be probed: ${refusals[0]}`;
    throw new ProbeError('address', 'AddressNotAllowed', message);
  }
  return { host, port, addresses: allowed };
}

async function lookUp(host: string): Promise<{ address: string; family: number }[]> {
  try {
    return await lookup(host, { all: true });
  } catch (error) {
    const code = codeOf(error);
    const why = code === 'ENOTFOUND' ? 'has no address' : `can't be resolved (${code})`;
    throw new ProbeError('name', code, `the name ${host} ${why}`);
  }
}

function openTcp({ host, port, addresses }: Target, { signal }: DialOptions): Promise<Socket> {
  const checked: LookupFunction = (_host, asked, callback) => {
    const [first] = addresses;
    if (asked.all) callback(null, [...addresses]);
    else callback(null, first!.address, first!.family);
  };
  return new Promise((fulfil, reject) => {
    const socket = connectTcp({
      // A literal address is connected to as it is; for any other the lookup gives the checked ones.
      host: addresses.length === 1 ? addresses[0]!.address : host,
      port,
      lookup: checked,
      autoSelectFamily: true,
    });
    const abort = (): void => {
      socket.destroy();
      reject(signal.reason);
    };
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    socket.once('error', (error) => {
      signal.removeEventListener('abort', abort);
      reject(connectionError(error, `${host}:${port}`));
    });
    socket.once('connect', () => {
      signal.removeEventListener('abort', abort);
      socket.removeAllListeners('error');
      fulfil(socket);
    });
  });
}

function connectionError(error: Error, where: string): ProbeError {
  // Several addresses were tried: the first one's error stands for all.
  const cause = error instanceof AggregateError ? (error.errors[0] ?? error) : error;
  const code = codeOf(cause);
  const words: Record<string, string> = {
    ECONNREFUSED: `${where} refused the connection`,
    ECONNRESET: `${where} closed the connection at once`,
    ETIMEDOUT: `${where} did not answer`,
    EHOSTUNREACH: `there is no way to ${where}`,
    ENETUNREACH: `there is no way to ${where}`,
  };
  return new ProbeError('connection', code, words[code] ?? `${where} can't be reached (${code})`);
}

function secure(socket: Socket, { host }: Target, options: DialOptions): Promise<TLSSocket> {
  const { signal, trace, caCertificates } = options;
  return new Promise((fulfil, reject) => {
    const secured = connectTls({
      socket,
      host,
      // A name is needed to choose the certificate; an address must not be sent as one.
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ...(caCertificates === undefined
        ? {}
        : { ca: [...getCACertificates('default'), caCertificates] }),
      ALPNProtocols: ['http/1.1'],
      // Judged below, where the certificate can still be looked at. Nothing is sent before that.
      rejectUnauthorized: false,
    });
    const fail = (error: unknown): void => {
      signal.removeEventListener('abort', abort);
      secured.destroy();
      reject(error);
    };
    const abort = (): void => fail(signal.reason);
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    secured.once('error', (error) => {
      const message = `the TLS handshake with ${host} failed (${codeOf(error)})`;
      fail(new ProbeError('tls', codeOf(error), message));
    });
    secured.once('secureConnect', () => {
      const certificate = secured.getPeerCertificate();
      if (certificate.valid_to) trace.certificateEndsAt = Date.parse(certificate.valid_to);
      if (!secured.authorized) return fail(certificateError(secured, host));
      signal.removeEventListener('abort', abort);
      secured.removeAllListeners('error');
      fulfil(secured);
    });
  });
}

function certificateError(secured: TLSSocket, host: string): ProbeError {
  const certificate = secured.getPeerCertificate();
  const cause: unknown = secured.authorizationError;
  const code = typeof cause === 'string' ? cause : codeOf(cause);
  if (code === 'CERT_HAS_EXPIRED') {
    const ended = new Date(Date.parse(certificate.valid_to)).toISOString().slice(0, 10);
    return new ProbeError('tls', code, `the certificate of ${host} ended on ${ended}`);
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const names = certificate.subjectaltname ?? 'nobody';
    return new ProbeError('tls', code, `the certificate of ${host} is for others (${names})`);
  }
  return new ProbeError('tls', code, `the certificate of ${host} is not trusted (${code})`);
}

export function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : messageOf(error).slice(0, 64);
}
