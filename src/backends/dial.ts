// Opens the connection for a probe: name, address check, TCP, TLS, each timed and each with an error
// of its own. It connects to the very addresses that were checked, so a name that resolves to
// something else a moment later gains nothing.
import { connect as connectTcp, isIP, type LookupFunction, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { messageOf } from '../runtime/errors.ts';
import type { AddressRules } from './addresses.ts';
import { type FoundAddress, lookUp } from './names.ts';
import { ProbeError, type Trace } from './trace.ts';
import { trustOf } from './trust.ts';

export interface Endpoint {
  /** A name, or an address without brackets. */
  readonly host: string;
  readonly port: number;
  /** Left out: plain TCP. */
  readonly tls?: TlsOptions | undefined;
}

export interface TlsOptions {
  /** PEM, trusted besides the usual ones. */
  readonly caCertificates?: string | undefined;
  readonly clientCertificate?: ClientCertificate | undefined;
}

export interface ClientCertificate {
  /** PEM, the chain if there is one. */
  readonly certificate: string;
  readonly key: string;
}

export interface DialOptions {
  readonly rules: AddressRules;
  /** `host name → ip:port`. What an installation maps itself is not checked. */
  readonly hostAliases: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly trace: Trace;
}

interface Target {
  readonly host: string;
  readonly port: number;
  readonly addresses: readonly FoundAddress[];
}

export async function dial(endpoint: Endpoint, options: DialOptions): Promise<Socket> {
  const { trace } = options;
  const { host, port, tls } = endpoint;
  const target = await resolve(endpoint, options);
  const reached = ({ remoteAddress }: Socket): string =>
    `${where(remoteAddress ?? host, target.port)} accepted the connection`;
  const socket = await trace.run('TCP', () => openTcp(target, options), reached);
  if (!tls) return socket;
  const words = (secured: TLSSocket): string =>
    `${secured.getProtocol() ?? 'TLS'}, the certificate is good`;
  return trace.run('TLS', () => secure(socket, { host, port, tls }, options), words);
}

async function resolve({ host, port }: Endpoint, options: DialOptions): Promise<Target> {
  const { trace, rules, hostAliases, signal } = options;
  const alias = Object.hasOwn(hostAliases, host) ? hostAliases[host] : undefined;
  if (alias !== undefined) {
    const { hostname, port: aliasPort } = new URL(`http://${alias}`);
    const address = hostname.replace(/^\[|\]$/g, '');
    trace.pass('DNS', `${host} is ${address} by configuration`);
    const addresses = [{ address, family: isIP(address) }];
    return { host, port: Number(aliasPort || 80), addresses };
  }
  trace.check = 'DNS';
  const isAddress = isIP(host) !== 0;
  const refusedName = isAddress ? undefined : rules.refusalOfName(host);
  if (refusedName !== undefined) throw refusal(host, refusedName);
  const found = isAddress
    ? [{ address: host, family: isIP(host) }]
    : await trace.run('DNS', () => find(host, signal), sayFound);
  if (isAddress) trace.pass('DNS', 'an address needs no resolving');
  const refusals = found.map(({ address }) => rules.refusalOf(address, port));
  const allowed = found.filter((_, index) => refusals[index] === undefined);
  if (allowed.length > 0) return { host, port, addresses: allowed };
  // What was passed a moment ago is not what stands: that address is not to be used.
  trace.passed.pop();
  const named = isAddress ? host : `${host} resolves to ${found[0]?.address}, which`;
  throw refusal(named, refusals[0] ?? 'it has no address');
}

function refusal(named: string, why: string): ProbeError {
  return new ProbeError('DNS', 'AddressNotAllowed', `${named} may not be probed: ${why}`);
}

function sayFound(found: readonly FoundAddress[]): string {
  const [first, ...others] = found;
  return `${first?.address ?? 'no address'}${others.length > 0 ? ` and ${others.length} more` : ''}`;
}

async function find(host: string, signal: AbortSignal): Promise<FoundAddress[]> {
  try {
    return await lookUp(host, signal);
  } catch (error) {
    if (signal.aborted) throw error;
    const code = codeOf(error);
    const why = code === 'ENOTFOUND' ? 'has no address' : `can't be resolved (${code})`;
    throw new ProbeError('DNS', code, `the name ${host} ${why}`);
  }
}

function openTcp({ host, port, addresses }: Target, { signal }: DialOptions): Promise<Socket> {
  if (port < 1 || port > 65_535)
    throw new ProbeError('TCP', 'PortNotPossible', `${port} is not a port that there is`);
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
      reject(connectionError(error, where(host, port)));
    });
    socket.once('connect', () => {
      signal.removeEventListener('abort', abort);
      socket.removeAllListeners('error');
      fulfil(socket);
    });
  });
}

/** `host:port`, with brackets around IPv6. */
export function where(host: string, port: number): string {
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;
}

function connectionError(error: Error, named: string): ProbeError {
  // Several addresses were tried: the first one's error stands for all.
  const cause = error instanceof AggregateError ? (error.errors[0] ?? error) : error;
  const code = codeOf(cause);
  const words: Record<string, string> = {
    ECONNREFUSED: `${named} refused the connection`,
    ECONNRESET: `${named} closed the connection at once`,
    ETIMEDOUT: `${named} did not answer`,
    EHOSTUNREACH: `there is no way to ${named}`,
    ENETUNREACH: `there is no way to ${named}`,
  };
  return new ProbeError('TCP', code, words[code] ?? `${named} can't be reached (${code})`);
}

function secure(
  socket: Socket,
  { host, tls }: Endpoint & { readonly tls: TlsOptions },
  { signal, trace }: DialOptions,
): Promise<TLSSocket> {
  return new Promise((fulfil, reject) => {
    const secured = connectTls({
      socket,
      host,
      // A name is needed to choose the certificate; an address must not be sent as one.
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ...trustOf(tls),
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
      const code = codeOf(error);
      fail(new ProbeError('TLS', code, `the TLS handshake with ${host} failed (${code})`));
    });
    secured.once('secureConnect', () => {
      const certificate = secured.getPeerCertificate();
      if (certificate.valid_to) trace.certificateEndsAt = Date.parse(certificate.valid_to);
      if (!secured.authorized) return fail(certificateError(secured, host));
      signal.removeEventListener('abort', abort);
      secured.removeAllListeners('error');
      secured.on('error', (error) => {
        trace.lateError ??= codeOf(error);
      });
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
    return new ProbeError('TLS', code, `the certificate of ${host} ended on ${ended}`);
  }
  if (code === 'CERT_NOT_YET_VALID')
    return new ProbeError('TLS', code, `the certificate of ${host} is not valid yet`);
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const names = certificate.subjectaltname ?? 'nobody';
    return new ProbeError('TLS', code, `the certificate of ${host} is for others (${names})`);
  }
  return new ProbeError('TLS', code, `the certificate of ${host} is not trusted (${code})`);
}

export function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : messageOf(error).slice(0, 64);
}
