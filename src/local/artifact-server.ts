// A small web server of the local environment: what the HTTP backend example is pointed at.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ArtifactServer {
  /** `127.0.0.1:PORT` */
  readonly address: string;
  close(): Promise<void>;
}

const INDEX = 'poolkeeper local artifacts\n';

export async function startArtifactServer(): Promise<ArtifactServer> {
  const server = createServer((request, response) => {
    const found = request.url === '/';
    response.writeHead(found ? 200 : 404, { 'content-type': 'text/plain' });
    response.end(request.method === 'HEAD' ? undefined : found ? INDEX : 'not found\n');
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
