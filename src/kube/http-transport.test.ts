import assert from 'node:assert/strict';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import type { ClusterAccess } from './cluster-access.ts';
import { UnreachableError } from './errors.ts';
import { createHttpTransport } from './http-transport.ts';

let server: Server;
let base: string;
const sockets = new Set<object>();
const open = new Map<string, ServerResponse>();

before(async () => {
  server = createServer((request, response) => {
    sockets.add(request.socket);
    const { pathname } = new URL(request.url ?? '', 'http://x');
    if (pathname.startsWith('/prefix/watch')) {
      open.set(pathname, response);
      response.writeHead(200).write('first\n');
      return;
    }
    const status = pathname === '/prefix/denied' ? 401 : 200;
    response.writeHead(status, { 'retry-after': '7' });
    response.end(
      JSON.stringify({ url: request.url, authorization: request.headers.authorization }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/prefix/`;
});

after(() => {
  server.closeAllConnections();
  server.close();
});

function anAccess(overrides: Partial<ClusterAccess> = {}): ClusterAccess {
  return {
    server: base,
    tls: {},
    namespace: 'default',
    credential: async () => ({ authorization: 'Bearer t' }),
    rejected: () => {},
    ...overrides,
  };
}

test('requests carry the credential, keep the path prefix and share connections', async () => {
  const transport = createHttpTransport(anAccess());
  const before = sockets.size;
  for (let call = 0; call < 20; call++) {
    const response = await transport.request({ method: 'GET', path: '/api?limit=1', headers: {} });
    assert.equal(response.headers['retry-after'], '7');
    assert.deepEqual(JSON.parse(response.body), {
      url: '/prefix/api?limit=1',
      authorization: 'Bearer t',
    });
  }
  // A second one may open while the first is still finishing an answer.
  assert.ok(sockets.size - before <= 2, `${sockets.size - before} connections`);
  await transport.close();
});

test('a rejected credential is reported back to where it came from', async () => {
  let rejected = 0;
  const transport = createHttpTransport(anAccess({ rejected: () => rejected++ }));
  await transport.request({ method: 'GET', path: '/denied', headers: {} });
  assert.equal(rejected, 1);
  await transport.close();
});

test('an address nobody listens on is unreachable, and nothing was sent', async () => {
  const transport = createHttpTransport(anAccess({ server: 'http://127.0.0.1:1' }));
  await assert.rejects(
    transport.request({ method: 'POST', path: '/x', headers: {}, body: '{}' }),
    (error: UnreachableError) => error instanceof UnreachableError && !error.sent,
  );
  await transport.close();
});

test('aborting a watch closes its socket', async () => {
  const transport = createHttpTransport(anAccess());
  const stopping = new AbortController();
  const stream = await transport.stream({
    method: 'GET',
    path: '/watch/abort',
    headers: {},
    signal: stopping.signal,
  });
  const response = open.get('/prefix/watch/abort')!;
  const closed = new Promise((resolve) => response.once('close', resolve));
  await assert.rejects(async () => {
    for await (const _chunk of stream.chunks)
      stopping.abort(new UnreachableError('over', { sent: true }));
  }, /over/);
  await closed;
  await transport.close();
});

test('a watch whose server dies ends with an error that says so', async () => {
  const transport = createHttpTransport(anAccess());
  const stream = await transport.stream({ method: 'GET', path: '/watch/die', headers: {} });
  await assert.rejects(async () => {
    for await (const _chunk of stream.chunks) open.get('/prefix/watch/die')!.destroy();
  }, UnreachableError);
  await transport.close();
});

test('closing the transport ends open watches', async () => {
  const transport = createHttpTransport(anAccess());
  const stream = await transport.stream({ method: 'GET', path: '/watch/close', headers: {} });
  const reading = assert.rejects(async () => {
    for await (const _chunk of stream.chunks) void transport.close();
  }, UnreachableError);
  await reading;
});
