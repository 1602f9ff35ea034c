// The endpoint at which agents ask for credentials: POST /credentials over TLS. Without a certificate it
// stays on the machine's own loopback. A renewed certificate is taken up without a restart.
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { CredentialsAnswer, HandOut } from '../controllers/credentials/index.ts';
import type { Clock } from '../runtime/clock.ts';
import { messageOf } from '../runtime/errors.ts';
import type { Log } from '../runtime/log.ts';
import { listen, type RunningServer, splitAddress } from './http-server.ts';
import { SettingsError } from './settings.ts';

export interface CredentialsServerOptions {
  /** `host:port`; port 0 takes any free one. */
  readonly address: string;
  /** Files in PEM. Both or none. */
  readonly certificateFile?: string | undefined;
  readonly keyFile?: string | undefined;
  readonly handOut: HandOut;
  readonly clock: Clock;
  readonly log: Log;
}

const SETTING = '--credentials-address';
/** A request names one object; anything longer is none. */
const BODY_BYTES_MAX = 4096;
const REQUEST_MILLISECONDS = 10_000;
const CONNECTIONS_MAX = 1000;
const CERTIFICATE_MILLISECONDS = 60_000;

export async function serveCredentials(options: CredentialsServerOptions): Promise<RunningServer> {
  const { certificateFile, keyFile } = options;
  const [host, port] = splitAddress({ address: options.address, setting: SETTING });
  const isLoopback = host === '127.0.0.1' || host === '::1' || host === 'localhost';
  if ((certificateFile === undefined) !== (keyFile === undefined))
    throw new SettingsError('--credentials-tls-certificate and --credentials-tls-key go together');
  if (certificateFile === undefined && !isLoopback)
    throw new SettingsError(
      `${SETTING}: without --credentials-tls-certificate only a loopback address is possible, such as 127.0.0.1:8443`,
    );
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    void respond(options.handOut, request, response);
  };
  const files = certificateFile && keyFile ? { certificateFile, keyFile } : undefined;
  const server = files
    ? createTlsServer({ ...(await readPair(files)), minVersion: 'TLSv1.2' }, answer)
    : createServer(answer);
  limit(server);
  const stopWatching = files ? watchPair(options, server as TlsServer, files) : () => {};
  await listen(server, { host, port, setting: SETTING });
  const bound = server.address();
  const boundPort = typeof bound === 'object' && bound ? bound.port : port;
  const shown = host.includes(':') ? `[${host}]` : host;
  return {
    url: `${files ? 'https' : 'http'}://${shown}:${boundPort}`,
    close: () =>
      new Promise((resolve) => {
        stopWatching();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function limit(server: Server | TlsServer): void {
  server.maxConnections = CONNECTIONS_MAX;
  server.requestTimeout = REQUEST_MILLISECONDS;
  server.headersTimeout = REQUEST_MILLISECONDS;
  // A caller that breaks off is its own affair.
  server.on('clientError', (_error, socket) => socket.destroy());
}

interface PairFiles {
  readonly certificateFile: string;
  readonly keyFile: string;
}

async function readPair({
  certificateFile,
  keyFile,
}: PairFiles): Promise<{ cert: string; key: string }> {
  try {
    const [cert, key] = await Promise.all([
      readFile(certificateFile, 'utf8'),
      readFile(keyFile, 'utf8'),
    ]);
    return { cert, key };
  } catch (error) {
    throw new SettingsError(`--credentials-tls-certificate: ${messageOf(error)}`);
  }
}

/** Looks at the files every minute: mounted Secrets are replaced in place, without a sign. */
function watchPair({ clock, log }: CredentialsServerOptions, server: TlsServer, files: PairFiles) {
  let served = '';
  let cancel = (): void => {};
  let isStopped = false;
  const look = async (): Promise<void> => {
    try {
      const pair = await readPair(files);
      if (served !== '' && pair.cert !== served) {
        server.setSecureContext({ ...pair, minVersion: 'TLSv1.2' });
        log.info('the certificate of the credentials endpoint was renewed');
      }
      served = pair.cert;
    } catch (error) {
      log.warn('the certificate could not be read again', { error: messageOf(error) });
    }
    if (!isStopped) cancel = clock.schedule(CERTIFICATE_MILLISECONDS, () => void look());
  };
  void look();
  return () => {
    isStopped = true;
    cancel();
  };
}

async function respond(
  handOut: HandOut,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { status, body } = await answerTo(handOut, request);
  response.writeHead(status, {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.end(JSON.stringify(body));
}

async function answerTo(handOut: HandOut, request: IncomingMessage): Promise<CredentialsAnswer> {
  const refuse = (status: number, message: string): CredentialsAnswer => ({
    status,
    body: { reason: 'CredentialsUnavailable', message },
  });
  if (request.url !== '/credentials') return refuse(404, 'there is only /credentials');
  if (request.method !== 'POST') return refuse(405, 'only POST');
  const body = await readBody(request).catch(() => undefined);
  if (body === undefined) return refuse(413, 'the request is too long or broke off');
  return handOut({ authorization: request.headers.authorization, body });
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > BODY_BYTES_MAX) throw new Error('too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
