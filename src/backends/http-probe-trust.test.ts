// Whom probes of web servers trust, and whom they show what: credentials, certificates, both ways.
import assert from 'node:assert/strict';
import type { Server as HttpServer, RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { describe, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { webCertificates } from '../../test/builders/certificates.ts';
import { listen, probe, serve, spec, told } from '../../test/builders/web-probes.ts';
import { judgeProbe } from '../plan/storage-backend-verdict.ts';
import type { HttpProbeRequest } from './http-probe.ts';

describe('credentials', async () => {
  const certificates = await webCertificates();
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
    const foreign = (await webCertificates()).client;
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
  const certificates = await webCertificates();
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
