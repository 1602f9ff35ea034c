// A small HTTP server for pages that are made when asked for: GET and HEAD only, nothing kept alive at
// the end, an error never takes the process down.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { messageOf } from '../runtime/errors.ts';
import { SettingsError } from './settings.ts';

export interface Page {
  readonly status: number;
  readonly body: string;
  /** Default: plain text. */
  readonly contentType?: string;
}

export interface HttpServerOptions {
  /** `host:port`; port 0 takes any free one. */
  readonly address: string;
  /** The setting that the address came from, for messages: `--http-address`. */
  readonly setting: string;
  readonly answer: (url: URL, headers: IncomingMessage['headers']) => Promise<Page> | Page;
}

export interface RunningServer {
  readonly url: string;
  close(): Promise<void>;
}

export async function serveHttp(options: HttpServerOptions): Promise<RunningServer> {
  const [host, port] = splitAddress(options);
  const server = createServer((request, response) => {
    void answer(options, request, response);
  });
  await listen(server, { host, port, setting: options.setting });
  const bound = server.address();
  const boundPort = typeof bound === 'object' && bound ? bound.port : port;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${boundPort}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  options: HttpServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const page = await pageFor(options, request);
  const { status, body, contentType = 'text/plain; charset=utf-8' } = page;
  response.writeHead(status, { 'content-type': contentType, 'x-content-type-options': 'nosniff' });
  response.end(request.method === 'HEAD' ? undefined : body);
}

async function pageFor(options: HttpServerOptions, request: IncomingMessage): Promise<Page> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return { status: 405, body: 'only GET\n' };
  }
  const base = 'http://localhost';
  if (!URL.canParse(request.url ?? '/', base)) return { status: 400, body: 'no such address\n' };
  try {
    return await options.answer(new URL(request.url ?? '/', base), request.headers);
  } catch (error) {
    return { status: 500, body: `${messageOf(error)}\n` };
  }
}

export function splitAddress({
  address,
  setting,
}: Pick<HttpServerOptions, 'address' | 'setting'>): [string, number] {
  const match = /^(?:\[(.+)\]|([^:]*)):(\d{1,5})$/.exec(address);
  if (!match || Number(match[3]) > 65_535) {
    throw new SettingsError(`${setting}: ${address} is not host:port, such as 127.0.0.1:8080`);
  }
  return [match[1] ?? (match[2] || '0.0.0.0'), Number(match[3])];
}

export function listen(
  server: Pick<Server, 'once' | 'listen'>,
  { host, port, setting }: { host: string; port: number; setting: string },
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const message =
        error.code === 'EADDRINUSE'
          ? `${setting}: port ${port} is taken; choose another`
          : `${setting}: ${error.message}`;
      reject(new SettingsError(message));
    });
    server.listen(port, host, () => resolve());
  });
}
