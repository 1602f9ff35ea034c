// The operator's own HTTP endpoints: liveness, readiness, metrics.
import { createServer, type Server, type ServerResponse } from 'node:http';
import { SettingsError } from './settings.ts';

export interface Endpoints {
  readonly url: string;
  close(): Promise<void>;
}

export interface EndpointHandlers {
  /** Undefined when well; otherwise what is wrong, in words. */
  readonly live: () => string | undefined;
  readonly ready: () => string | undefined;
  readonly metrics: () => Promise<string>;
}

/** `address` is `host:port`; port 0 takes any free one. */
export async function serveEndpoints(
  address: string,
  handlers: EndpointHandlers,
): Promise<Endpoints> {
  const [host, port] = splitAddress(address);
  const server = createServer((request, response) => {
    void answer(request.url ?? '/', response, handlers);
  });
  await listen(server, host, port);
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
  url: string,
  response: ServerResponse,
  handlers: EndpointHandlers,
): Promise<void> {
  const path = url.split('?')[0];
  const say = (status: number, body: string): void => {
    response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(body);
  };
  if (path === '/metrics') return say(200, await handlers.metrics());
  if (path !== '/healthz' && path !== '/livez' && path !== '/readyz')
    return say(404, 'not found\n');
  const problem = path === '/readyz' ? handlers.ready() : handlers.live();
  return problem === undefined ? say(200, 'ok\n') : say(503, `${problem}\n`);
}

function splitAddress(address: string): [string, number] {
  const match = /^(?:\[(.+)\]|([^:]*)):(\d{1,5})$/.exec(address);
  if (!match || Number(match[3]) > 65_535) {
    throw new SettingsError(`--http-address: ${address} is not host:port, such as 127.0.0.1:8080`);
  }
  return [match[1] ?? (match[2] || '0.0.0.0'), Number(match[3])];
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const message =
        error.code === 'EADDRINUSE'
          ? `--http-address: port ${port} is taken; choose another`
          : `--http-address: ${error.message}`;
      reject(new SettingsError(message));
    });
    server.listen(port, host, () => resolve());
  });
}
