// Probes against real servers on loopback: every way in which a web server can be there, or not.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createTcpServer, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import { listen, probe, serve, told } from '../../test/builders/web-probes.ts';
import { FakeClock } from '../runtime/fake-clock.ts';

describe('a server that answers', () => {
  test('HEAD is enough, and every stage is timed', async () => {
    const address = await serve((request, response) => {
      response.statusCode = request.method === 'HEAD' && request.url === '/?sig=secret' ? 204 : 500;
      response.end();
    });
    const seen = await probe(
      { baseURL: 'http://files.example/?sig=secret' },
      { hostAliases: { 'files.example': address } },
    );
    assert.deepEqual(seen.outcome, {
      type: 'answered',
      method: 'HEAD',
      isRange: false,
      statusCode: 204,
    });
    assert.equal(seen.endpoint, 'http://files.example/', 'a query may hold a secret');
    assert.deepEqual(
      seen.passed.map(({ check }) => check),
      ['DNS', 'TCP', 'Protocol'],
    );
    const verdict = told(seen);
    assert.equal(verdict.phase, 'Online');
    assert.equal(verdict.statement, 'HEAD http://files.example/ answered 204');
    assert.match(verdict.timing, /^after [\d.]+ ms \(TCP .* ms, Protocol .* ms\)$/);
  });

  for (const refusal of [403, 405, 501]) {
    test(`where HEAD is refused with ${refusal}, one byte is asked for`, async () => {
      const ranges: (string | undefined)[] = [];
      const address = await serve((request, response) => {
        if (request.method === 'HEAD') response.statusCode = refusal;
        else {
          ranges.push(request.headers.range);
          response.statusCode = 206;
        }
        response.end();
      });
      const seen = await probe({}, { hostAliases: { 'files.example': address } });
      assert.deepEqual(ranges, ['bytes=0-0']);
      assert.equal(told(seen).phase, 'Online');
      assert.equal(told(seen, [200]).phase, 'Online', 'a part of the content is the content');
    });
  }

  test('an endless body is not read', async () => {
    const address = await serve((_request, response) => {
      response.writeHead(200);
      const more = (): void => {
        if (response.destroyed) return;
        if (response.write('x'.repeat(65_536))) setImmediate(more);
        else response.once('drain', more);
      };
      more();
    });
    const seen = await probe({ method: 'GET' }, { hostAliases: { 'files.example': address } });
    assert.equal(told(seen).phase, 'Online');
  });

  const answers: Record<
    string,
    { status: number; expected?: number[]; phase: string; reason: string }
  > = {
    'credentials were refused': { status: 401, phase: 'Error', reason: 'AuthenticationFailed' },
    'nothing at that path': { status: 404, phase: 'Error', reason: 'NotExported' },
    'the server is in trouble': { status: 503, phase: 'Error', reason: 'UnexpectedAnswer' },
    'too many requests': { status: 429, phase: 'Error', reason: 'Throttled' },
    'a status that was asked for': {
      status: 401,
      expected: [401],
      phase: 'Online',
      reason: 'ProbeSucceeded',
    },
    'a good status that was not asked for': {
      status: 200,
      expected: [204],
      phase: 'Error',
      reason: 'UnexpectedAnswer',
    },
  };
  for (const [what, { status, expected, phase, reason }] of Object.entries(answers)) {
    test(`an answer is judged: ${what}`, async () => {
      const address = await serve((_request, response) => {
        response.statusCode = status;
        response.end();
      });
      const request = expected ? { expectedStatusCodes: expected } : {};
      const seen = await probe(request, { hostAliases: { 'files.example': address } });
      const verdict = told(seen, expected);
      assert.equal(verdict.phase, phase);
      assert.equal(verdict.reason, reason);
      assert.equal(verdict.reachable, 'True');
    });
  }
});

describe('redirects', () => {
  function redirecting(to: () => string): [Promise<string>, (string | undefined)[]] {
    const heard: (string | undefined)[] = [];
    const address = serve((request, response) => {
      heard.push(request.headers.authorization);
      response.writeHead(302, { location: to() }).end();
    });
    return [address, heard];
  }

  test('credentials stay with the origin they are for', async () => {
    const heard: (string | undefined)[] = [];
    const other = await serve((request, response) => {
      heard.push(request.headers.authorization);
      response.end();
    });
    const hops = ['http://files.example/inner', 'http://other.example/'];
    const [address, own] = redirecting(() => hops.shift()!);
    const hostAliases = { 'files.example': await address, 'other.example': other };
    const seen = await probe({ authorization: 'Bearer hush' }, { hostAliases });
    assert.equal(told(seen).phase, 'Online');
    assert.deepEqual(own, ['Bearer hush', 'Bearer hush']);
    assert.deepEqual(heard, [undefined]);
  });

  test('five are followed, a sixth is not', async () => {
    const [address, heard] = redirecting(() => '/again');
    const seen = await probe({}, { hostAliases: { 'files.example': await address } });
    assert.equal(heard.length, 6);
    assert.match(told(seen).statement, /more than 5 times/);
    assert.equal(told(seen).reason, 'UnexpectedAnswer');
  });

  test('a redirect leads to no address that may not be probed', async () => {
    const [address] = redirecting(() => 'http://169.254.169.254/metadata/identity');
    const seen = await probe({}, { hostAliases: { 'files.example': await address } });
    assert.equal(told(seen).reason, 'AddressNotAllowed');
  });

  test('a redirect to something that is not a web address is not followed', async () => {
    const [address] = redirecting(() => 'file:///etc/passwd');
    const seen = await probe({}, { hostAliases: { 'files.example': await address } });
    assert.equal(told(seen).reason, 'UnexpectedAnswer');
  });
});

describe('a server that does not answer', () => {
  test('a refused connection', async () => {
    const server = createTcpServer();
    const address = await listen(server);
    server.close();
    await once(server, 'close');
    const seen = await probe({}, { hostAliases: { 'files.example': address } });
    const verdict = told(seen);
    assert.equal(verdict.phase, 'Offline');
    assert.equal(verdict.reason, 'ConnectionRefused');
    assert.match(verdict.statement, /is the service running on that port\?$/);
  });

  test('an unknown host', async () => {
    // Too long for DNS: no resolver is asked.
    const seen = await probe({ baseURL: `http://${'x'.repeat(64)}.invalid/` });
    assert.equal(told(seen).phase, 'Offline');
    assert.equal(told(seen).reason, 'NameNotResolved');
  });

  test('a server that accepts and then says nothing', async () => {
    const server = createTcpServer();
    const accepted = once(server, 'connection').then(([socket]) => once(socket as Socket, 'data'));
    const address = await listen(server);
    const clock = new FakeClock();
    const seen = probe({}, { clock, hostAliases: { 'files.example': address } });
    await accepted;
    await clock.advance(10_000);
    const verdict = told(await seen);
    assert.equal(verdict.phase, 'Offline');
    assert.equal(verdict.reason, 'ConnectionTimedOut');
    assert.match(verdict.statement, /connected, but there was no answer within 10 s$/);
    assert.equal(clock.nextDelay(), undefined, 'no timer is left behind');
  });

  test('a server whose answer never gets beyond its beginning', async () => {
    const server = createTcpServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nx-drop: by\r\nx-'));
    });
    const accepted = once(server, 'connection').then(([socket]) => once(socket as Socket, 'data'));
    const address = await listen(server);
    const clock = new FakeClock();
    const seen = probe({}, { clock, hostAliases: { 'files.example': address } });
    await accepted;
    await clock.advance(10_000);
    assert.match(told(await seen).statement, /connected, but there was no answer within 10 s$/);
  });

  test('a handshake that never ends', async () => {
    const server = createTcpServer();
    const accepted = once(server, 'connection').then(([socket]) => once(socket as Socket, 'data'));
    const address = await listen(server);
    const clock = new FakeClock();
    const seen = probe(
      { baseURL: 'https://files.example/' },
      { clock, hostAliases: { 'files.example': address } },
    );
    await accepted;
    await clock.advance(10_000);
    assert.match(told(await seen).statement, /the TLS handshake did not end within 10 s$/);
  });

  const rude: Record<string, { answer: (socket: Socket) => void; words: RegExp }> = {
    'hangs up': { answer: (socket) => socket.destroy(), words: /the connection ended before/ },
    'has more to say of itself than anybody wants to hear': {
      answer: (socket) => socket.end(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(200_000)}\r\n\r\n`),
      words: /something answered, but not in HTTP as it should be/,
    },
    'speaks something else': {
      answer: (socket) => socket.end('SSH-2.0-OpenSSH_9.6\r\n'),
      words: /something answered, but not in HTTP/,
    },
  };
  for (const [what, { answer, words }] of Object.entries(rude)) {
    test(`a server that ${what}`, async () => {
      const address = await listen(
        createTcpServer((socket) => socket.once('data', () => answer(socket))),
      );
      const verdict = told(await probe({}, { hostAliases: { 'files.example': address } }));
      assert.equal(verdict.phase, 'Error');
      assert.equal(verdict.reason, 'UnexpectedAnswer');
      assert.match(verdict.statement, words);
    });
  }

  test('a probe that is stopped says so to its caller', async () => {
    const server = createTcpServer();
    const address = await listen(server);
    const stop = new AbortController();
    const hostAliases = { 'files.example': address };
    const running = probe({}, { hostAliases, signal: stop.signal });
    await once(server, 'connection');
    stop.abort(new Error('stopping'));
    await assert.rejects(running, /stopping/);
  });
});

describe('addresses that are off limits', () => {
  const urls = [
    'http://169.254.169.254/metadata/instance',
    'http://[::ffff:169.254.169.254]/',
    'http://[fe80::1]/',
    'http://[64:ff9b::a9fe:a9fe]/',
    'http://168.63.129.16/',
    'http://127.0.0.1/',
    'http://2130706433/',
    'http://[::1]/',
    'http://0.0.0.0/',
    'http://localhost/',
  ];
  for (const baseURL of urls) {
    test(`${baseURL} is not even connected to`, async () => {
      const verdict = told(await probe({ baseURL }));
      assert.equal(verdict.reason, 'AddressNotAllowed');
      assert.equal(verdict.phase, 'Error');
      assert.ok(verdict.needsChange);
    });
  }

  test("loopback may be allowed; the API server's place there stays off limits", async () => {
    const [open, api] = await Promise.all([
      serve((_request, response) => response.end()),
      serve((_request, response) => response.end()),
    ]);
    const options = { probeLoopback: true, apiServerAddresses: [api] };
    assert.equal(told(await probe({ baseURL: `http://${open}/` }, options)).phase, 'Online');
    const refused = told(await probe({ baseURL: `http://${api}/` }, options));
    assert.match(refused.statement, /it is the cluster's API server/);
  });
});
