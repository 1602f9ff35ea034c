// The HTTP front: sockets on one side, the simulated cloud on the other.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../../runtime/clock.ts';
import { answerInspection } from './inspection.ts';
import type { ArmResponse } from './messages.ts';
import type { SimulatedAzure } from './simulated-azure.ts';

const MAX_BODY_BYTES = 4 * 2 ** 20;

export interface ListeningServer {
  /** `http://127.0.0.1:PORT`, without a slash at the end. */
  readonly url: string;
  close(): Promise<void>;
}

export async function serve(
  azure: SimulatedAzure,
  clock: Clock,
  address: { host: string; port: number },
): Promise<ListeningServer> {
  const pending = new Set<() => void>();
  const server = createServer((request, response) => {
    void answer(azure, request).then(
      (result) => {
        const delay = result.delayMilliseconds;
        if (delay === undefined) return send(request, response, result);
        const cancel = clock.schedule(delay, () => {
          pending.delete(cancel);
          send(request, response, result);
        });
        pending.add(cancel);
      },
      () => request.destroy(),
    );
  });
  await listen(server, address);
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${address.host}:${port}`,
    close: () =>
      new Promise((resolve, reject) => {
        for (const cancel of pending) cancel();
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, address: { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(address.port, address.host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

async function answer(azure: SimulatedAzure, request: IncomingMessage): Promise<ArmResponse> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes > MAX_BODY_BYTES) throw new Error('the request body is too large');
    chunks.push(chunk);
  }
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : value,
    ]),
  );
  const arrived = {
    method: request.method ?? 'GET',
    url: request.url ?? '/',
    headers,
    body: Buffer.concat(chunks).toString(),
  };
  return answerInspection(azure, arrived) ?? azure.handle(arrived);
}

function send(request: IncomingMessage, response: ServerResponse, result: ArmResponse): void {
  if (result.dropConnection) {
    request.socket.destroy();
    return;
  }
  const text = result.body === undefined ? '' : JSON.stringify(result.body);
  response.writeHead(result.status, {
    ...result.headers,
    ...(text && { 'content-type': 'application/json; charset=utf-8' }),
    ...(result.status !== 204 && { 'content-length': Buffer.byteLength(text) }),
  });
  response.end(text);
}
