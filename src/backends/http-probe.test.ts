// Probes against real servers on loopback: every way in which a web server can be there, or not.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server as HttpServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import {
  type AddressInfo,
  createServer as createTcpServer,
  type Server,
  type Socket,
} from 'node:net';
import { after, describe, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import type { Probed } from '../plan/probe-observation.ts';
import { judgeProbe } from '../plan/storage-backend-verdict.ts';
import type { Clock } from '../runtime/clock.ts';
import { systemClock } from '../runtime/clock.ts';
import { FakeClock } from '../runtime/fake-clock.ts';
import { type AddressRuleSettings, addressRules } from './addresses.ts';
import { type HttpProbeRequest, probeHttp } from './http-probe.ts';

const servers: Server[] = [];
const sockets = new Set<Socket>();
after(() => {
  for (const server of servers) server.close();
  for (const socket of sockets) socket.destroy();
});

/** Resolves to `127.0.0.1:PORT`. */
async function listen(server: Server): Promise<string> {
  servers.push(server);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function serve(listener: RequestListener): Promise<string> {
  return listen(createServer(listener));
}

const never = new AbortController().signal;
const spec = { baseURL: 'http://files.example/', method: 'HEAD' } as const;

interface Options extends AddressRuleSettings {
  readonly clock?: Clock;
  readonly hostAliases?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

function probe(request: Partial<HttpProbeRequest>, options: Options = {}): Promise<Probed> {
  const { clock = systemClock, hostAliases = {}, signal = never, ...settings } = options;
  const asked = { ...spec, timeoutMilliseconds: 10_000, ...request };
  return probeHttp({ clock, hostAliases, rules: addressRules(settings) }, asked, signal);
}

/** What the user is told of it. */
function told(observation: Probed, expected?: number[], http: object = {}) {
  const asked = { ...spec, authentication: 'None', ...http } as const;
  const wanted = { ...asked, ...(expected ? { expectedStatusCodes: expected } : {}) };
  return judgeProbe({ type: 'http', http: wanted }, observation, Date.UTC(2026, 0, 1));
}

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

describe('credentials', async () => {
  const certificates = await makeCertificates();
  const caCertificates = certificates.authority;
  const client = { certificate: certificates.client.chain, key: certificates.client.key };

  async function guarded(wanted: string): Promise<string> {
    return serve((request, response) => {
      response.statusCode = request.headers.authorization === wanted ? 200 : 401;
      response.end();
    });
  }

  for (const [type, wanted] of [
    ['Basic', `Basic ${Buffer.from('joe:pass:word').toString('base64')}`],
    ['Bearer', 'Bearer token'],
  ] as const) {
    test(`${type}: taken, refused, or forgotten`, async () => {
      const hostAliases = { 'files.example': await guarded(wanted) };
      const withSecret = { authentication: type };
      const ask = async (authorization?: string) =>
        judgeProbe(
          {
            type: 'http',
            http: { ...spec, ...withSecret },
            credentialsSecretRef: { name: 'secret' },
          },
          await probe({ authorization }, { hostAliases }),
          0,
        );
      const good = await ask(wanted);
      assert.equal(good.phase, 'Online');
      assert.equal(good.authenticated, 'True');
      assert.match(good.statement, /credentials are sent unencrypted: use https$/);
      const bad = await ask('Basic nonsense');
      assert.equal(bad.authenticated, 'False');
      assert.match(bad.statement, /answered 401; check the Secret/);
      assert.equal(bad.checks.find(({ name }) => name === 'Authorization')?.result, 'Failed');
    });
  }

  test('a server that wants credentials of somebody without any says so', async () => {
    const hostAliases = { 'files.example': await guarded('Bearer token') };
    const verdict = told(await probe({}, { hostAliases }));
    assert.match(verdict.statement, /it wants credentials: set spec.http.authentication/);
  });

  test('a client certificate is shown where one is wanted, and its lack is told', async () => {
    const { key, chain } = certificates.valid;
    const options = { key, cert: chain, ca: caCertificates, requestCert: true };
    const address = await listen(
      createTlsServer(options, (_request, response) => response.end()) as unknown as HttpServer,
    );
    const baseURL = 'https://files.example/';
    const hostAliases = { 'files.example': address };
    const ask = async (request: Partial<HttpProbeRequest>) =>
      told(await probe({ baseURL, caCertificates, ...request }, { hostAliases }));
    assert.equal((await ask({ clientCertificate: client })).phase, 'Online');
    const without = await ask({});
    assert.equal(without.reason, 'AuthenticationFailed');
    assert.match(without.statement, /for want of a good client certificate.*ClientCertificate/);
    const foreign = (await makeCertificates()).client;
    const wrong = await ask({
      clientCertificate: { certificate: foreign.chain, key: foreign.key },
    });
    assert.equal(wrong.reason, 'AuthenticationFailed');
    const broken = await ask({ clientCertificate: { ...client, key: foreign.key } });
    assert.match(
      broken.statement,
      /the client certificate can't be used.*check tls.crt and tls.key/,
    );
  });

  test('a client certificate stays with the origin it is for', async () => {
    const { key, chain } = certificates.valid;
    const shown: boolean[] = [];
    const options = { key, cert: chain, ca: caCertificates, requestCert: true };
    const lenient = { ...options, rejectUnauthorized: false };
    const other = createTlsServer(lenient, (request, response) => {
      const peer = (request.socket as TLSSocket).getPeerCertificate();
      shown.push(Object.keys(peer).length > 0);
      response.end();
    });
    const first = createTlsServer(options, (_request, response) =>
      response.writeHead(302, { location: 'https://downgrade.example/' }).end(),
    );
    const hostAliases = {
      'files.example': await listen(first as unknown as HttpServer),
      'downgrade.example': await listen(other as unknown as HttpServer),
    };
    const seen = await probe(
      { baseURL: 'https://files.example/', caCertificates, clientCertificate: client },
      { hostAliases },
    );
    assert.equal(told(seen).phase, 'Online');
    assert.deepEqual(shown, [false]);
  });
});

describe('TLS', async () => {
  const certificates = await makeCertificates();
  const hostAliases = {
    'files.example': await secure(certificates.valid),
    'old.example': await secure(certificates.expired),
    'other.example': await secure(certificates.valid),
    'plain.example': await serve((_request, response) => response.end()),
    'downgrade.example': await secure(certificates.valid, (_request, response) =>
      response.writeHead(301, { location: 'http://plain.example/' }).end(),
    ),
  };
  const caCertificates = certificates.authority;
  const ask = (host: string, request: Partial<HttpProbeRequest> = { caCertificates }) =>
    probe({ baseURL: `https://${host}/`, ...request }, { hostAliases });

  test('a bundle is trusted besides the usual authorities, and the end date is read', async () => {
    const seen = await ask('files.example');
    assert.equal(told(seen).phase, 'Online');
    assert.equal(seen.certificateEndsAt, Date.UTC(2040, 0, 1));
    assert.ok(seen.passed.some(({ check, milliseconds }) => check === 'TLS' && milliseconds));
  });

  test('a certificate that ends soon is worth a word', async () => {
    const seen = await ask('files.example');
    const http = { ...spec, authentication: 'None' } as const;
    const verdict = judgeProbe({ type: 'http', http }, seen, Date.UTC(2039, 11, 20));
    assert.match(verdict.statement, /its certificate ends in 12 days$/);
  });

  const bad: Record<string, { seen: () => ReturnType<typeof probe>; words: RegExp }> = {
    'an unknown authority': {
      seen: () => ask('files.example', {}),
      words: /is not trusted .*; set spec.caBundle/,
    },
    'a certificate that is over': {
      seen: () => ask('old.example'),
      words: /ended on 2021-01-01; renew it/,
    },
    'a certificate for another name': {
      seen: () => ask('other.example'),
      words: /is for others \(DNS:files.example/,
    },
    'no TLS at all': { seen: () => ask('plain.example'), words: /does that port speak TLS\?$/ },
  };
  for (const [what, { seen, words }] of Object.entries(bad)) {
    test(`what is wrong is told: ${what}`, async () => {
      const verdict = told(await seen());
      assert.equal(verdict.phase, 'Error');
      assert.equal(verdict.reason, 'TlsFailed');
      assert.match(verdict.statement, words);
    });
  }

  test('nothing leads from https to http', async () => {
    const verdict = told(await ask('downgrade.example'));
    assert.equal(verdict.reason, 'UnexpectedAnswer');
    assert.match(verdict.statement, /redirects from https to http:\/\/plain.example\//);
  });

  async function secure(
    { key, chain }: { key: string; chain: string },
    listener: RequestListener = (_request, response) => response.end(),
  ): Promise<string> {
    return listen(createTlsServer({ key, cert: chain }, listener) as unknown as HttpServer);
  }
});

async function makeCertificates() {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const newKeys = () => crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const authorityKeys = await newKeys();
  const authority = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: 'CN=Test authority',
    notBefore: new Date(Date.UTC(2020, 0, 1)),
    notAfter: new Date(Date.UTC(2045, 0, 1)),
    signingAlgorithm: algorithm,
    keys: authorityKeys,
    extensions: [new x509.BasicConstraintsExtension(true, undefined, true)],
  });
  const issue = async (serialNumber: string, names: string[], endsAt: number) => {
    const keys = await newKeys();
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber,
      subject: 'CN=Test server',
      issuer: authority.subject,
      notBefore: new Date(Date.UTC(2020, 0, 1)),
      notAfter: new Date(endsAt),
      signingAlgorithm: algorithm,
      publicKey: keys.publicKey,
      signingKey: authorityKeys.privateKey,
      extensions: [
        new x509.SubjectAlternativeNameExtension(
          names.map((value) => ({ type: 'dns' as const, value })),
        ),
      ],
    });
    const key = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey));
    return {
      key: `-----BEGIN PRIVATE KEY-----\n${key.toString('base64')}\n-----END PRIVATE KEY-----\n`,
      chain: certificate.toString('pem'),
    };
  };
  const names = ['files.example', 'downgrade.example'];
  return {
    authority: authority.toString('pem'),
    valid: await issue('02', names, Date.UTC(2040, 0, 1)),
    client: await issue('04', ['client.example'], Date.UTC(2040, 0, 1)),
    expired: await issue('03', ['old.example'], Date.UTC(2021, 0, 1)),
  };
}
