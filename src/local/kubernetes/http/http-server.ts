// The socket in front of the server: HTTP or TLS, on loopback only.
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { StatusError } from '../objects/status-error.ts';
import type { ApiRequest, ApiResponse } from '../request.ts';
import type { ServingCertificate } from './certificates.ts';
import { PROTOBUF } from './protobuf.ts';

export interface Listening {
  readonly port: number;
  close(): Promise<void>;
}

export interface ListenOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly certificate: ServingCertificate | undefined;
}

/** As much as a real server takes in one request. */
const BODY_LIMIT_BYTES = 3 * 1024 * 1024;
/** Smaller answers cost more to compress than to send. */
const COMPRESSION_THRESHOLD_BYTES = 128 * 1024;

export async function listen(
  handle: (request: ApiRequest) => Promise<ApiResponse>,
  options: ListenOptions,
): Promise<Listening> {
  const onRequest = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    // What can't be answered, by fault or by order, ends the connection.
    void serve(handle, incoming, outgoing).catch(() => outgoing.destroy());
  };
  const server = options.certificate
    ? createHttpsServer(
        { key: options.certificate.key, cert: options.certificate.chain },
        onRequest,
      )
    : createHttpServer(onRequest);
  server.keepAliveTimeout = 120_000;
  server.requestTimeout = 0;
  await bind(server, options);
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function bind(server: Server, options: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = error.code === 'EADDRINUSE';
      const words = `port ${options.port} on ${options.host} is taken by another program; choose another one`;
      reject(taken ? new Error(words, { cause: error }) : error);
    });
    server.listen(options.port, options.host, () => resolve());
  });
}

/** One for all: making an error, stack and all, for every answered request showed in profiles. */
const CLOSED = new Error('the connection was closed');

async function serve(
  handle: (request: ApiRequest) => Promise<ApiResponse>,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const closed = new AbortController();
  outgoing.on('close', () => closed.abort(CLOSED));
  const body = await readBody(incoming);
  const response =
    body === undefined
      ? tooLarge()
      : await handle({
          method: incoming.method ?? 'GET',
          path: incoming.url ?? '/',
          headers: incoming.headers as Record<string, string | undefined>,
          body,
          signal: closed.signal,
        });
  if (response.stream) {
    await sendStream(response, outgoing);
  } else {
    sendWhole(response, incoming, outgoing);
  }
}

async function readBody(incoming: IncomingMessage): Promise<Uint8Array | string | undefined> {
  if (incoming.method === 'GET') return '';
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming) {
    size += (chunk as Buffer).length;
    if (size <= BODY_LIMIT_BYTES) chunks.push(chunk as Buffer);
  }
  if (size > BODY_LIMIT_BYTES) return undefined;
  const bytes = Buffer.concat(chunks);
  return incoming.headers['content-type'] === PROTOBUF ? bytes : bytes.toString('utf8');
}

function tooLarge(): ApiResponse {
  const words = `limit is ${BODY_LIMIT_BYTES}: Request entity too large`;
  const status = new StatusError(413, 'RequestEntityTooLarge', words).toStatus();
  const headers = { 'content-type': 'application/json' };
  return { status: 413, headers, body: JSON.stringify(status) };
}

function sendWhole(
  response: ApiResponse,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): void {
  const headers: Record<string, string | number> = { ...response.headers };
  let body = Buffer.from(response.body);
  const accepts = String(incoming.headers['accept-encoding'] ?? '');
  if (body.length > COMPRESSION_THRESHOLD_BYTES && accepts.includes('gzip')) {
    body = gzipSync(body, { level: 1 });
    headers['content-encoding'] = 'gzip';
    headers['vary'] = 'Accept-Encoding';
  }
  headers['content-length'] = body.length;
  outgoing.writeHead(response.status, headers);
  outgoing.end(incoming.method === 'HEAD' ? undefined : body);
}

/** Waits for a slow reader, so that what it hasn't taken stays in the watch's bounded queue. */
async function sendStream(response: ApiResponse, outgoing: ServerResponse): Promise<void> {
  outgoing.writeHead(response.status, response.headers);
  outgoing.flushHeaders();
  // A reader that has stopped reading would never notice an end; its connection is cut.
  response.ended?.addEventListener('abort', () => {
    if (outgoing.writableNeedDrain) outgoing.destroy();
  });
  for await (const line of response.stream!) {
    if (outgoing.destroyed) break;
    if (!outgoing.write(line)) await drained(outgoing);
  }
  outgoing.end();
}

function drained(outgoing: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    if (outgoing.destroyed) return resolve();
    const done = (): void => {
      outgoing.off('drain', done);
      outgoing.off('close', done);
      resolve();
    };
    outgoing.on('drain', done);
    outgoing.on('close', done);
  });
}
