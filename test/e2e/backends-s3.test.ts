// S3 backends against services on loopback that check every signature: keys that are right and wrong,
// buckets elsewhere and nowhere, clocks apart, and answers that are not S3 at all.
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { storageBackendSpec } from '../../src/api/storage-backend.ts';
import { addressRules, probeS3, type S3ProbeRequest } from '../../src/backends/index.ts';
import { judgeProbe, type ProbedSpec } from '../../src/plan/storage-backend-verdict.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import {
  type S3Object,
  type S3Server,
  type S3ServerOptions,
  startS3Server,
} from '../builders/s3-server.ts';

const servers: S3Server[] = [];
after(() => {
  for (const server of servers) server.close();
});

const keys = { AKIAGOOD: 'very/secret+key' };
const good = { accessKeyId: 'AKIAGOOD', secretAccessKey: 'very/secret+key' };
const objects: S3Object[] = Array.from({ length: 2500 }, (_, index) => ({
  key: `${index % 2 === 0 ? 'backups' : 'logs'}/${index}`,
  size: 1000,
}));

async function serve(options: Partial<S3ServerOptions> = {}): Promise<S3Server> {
  const buckets = { data: { region: 'eu-west-1', objects } };
  const server = await startS3Server({ buckets, keys, ...options });
  servers.push(server);
  return server;
}

async function ask(server: S3Server, request: Partial<S3ProbeRequest> = {}) {
  const spec = storageBackendSpec.parse({
    type: 's3',
    s3: {
      endpoint: 'http://s3.example',
      bucket: 'data',
      region: 'eu-west-1',
      ...(request.cdnURL === undefined ? {} : { cdnURL: request.cdnURL }),
      ...(request.bucket === undefined ? {} : { bucket: request.bucket }),
    },
    credentialsSecretRef: { name: 'keys' },
  }) as ProbedSpec & { type: 's3' };
  const hostAliases = { 's3.example': server.address, 'cdn.example': server.address };
  const environment = { clock: systemClock, rules: addressRules({}), hostAliases };
  const asked = {
    ...spec.s3,
    timeoutMilliseconds: 20_000,
    credentials: good,
    countObjectsUpTo: 0,
    ...request,
  };
  const seen = await probeS3(environment, asked, new AbortController().signal);
  return { ...judgeProbe(spec, seen, Date.UTC(2026, 0, 1)), seen };
}

describe('a bucket that is there', () => {
  test('is Online with the right keys, each check told', async () => {
    const verdict = await ask(await serve(), { countObjectsUpTo: 10_000 });
    assert.equal(verdict.phase, 'Online');
    assert.equal(verdict.statement, 'http://s3.example/data can be listed');
    assert.equal(verdict.authenticated, 'True');
    assert.deepEqual(
      verdict.checks.map(({ name, result }) => `${name} ${result}`),
      ['DNS Passed', 'TCP Passed', 'Protocol Passed', 'Authorization Passed', 'Capacity Passed'],
    );
    assert.deepEqual(verdict.measured, {
      fileCount: 2500,
      usedBytes: 2_500_000,
      fileCountTruncated: false,
    });
  });

  test('is counted no further than it may be, and says so', async () => {
    const server = await serve();
    const verdict = await ask(server, { countObjectsUpTo: 1500 });
    assert.deepEqual(verdict.measured, {
      fileCount: 1500,
      usedBytes: 1_500_000,
      fileCountTruncated: true,
    });
    assert.equal(server.requests.length, 3, 'a HEAD and two pages');
  });

  test('is counted below its prefix only', async () => {
    const verdict = await ask(await serve(), { prefix: 'logs/', countObjectsUpTo: 10_000 });
    assert.equal(verdict.measured?.fileCount, 1250);
  });

  test('in another region than the spec says works, with a remark', async () => {
    const verdict = await ask(await serve(), { region: 'us-east-1' });
    assert.equal(verdict.phase, 'Online');
    assert.match(verdict.statement, /it is in region eu-west-1: set spec.s3.region to it$/);
  });

  test('whose CDN is in trouble is told so', async () => {
    const server = await serve({
      answer: (request, response) => {
        if (request.headers.host !== 'cdn.example') return false;
        response.writeHead(502).end();
        return true;
      },
    });
    const verdict = await ask(server, { cdnURL: 'http://cdn.example/' });
    assert.equal(verdict.phase, 'Error');
    assert.match(
      verdict.statement,
      /the bucket answers, its CDN http:\/\/cdn.example\/ answers 502/,
    );
    assert.equal(verdict.checks.find(({ name }) => name === 'CDN')?.result, 'Failed');
  });

  test('whose CDN hides its root is well', async () => {
    const server = await serve({
      answer: (request, response) => {
        if (request.headers.host !== 'cdn.example') return false;
        response.writeHead(403).end();
        return true;
      },
    });
    assert.equal((await ask(server, { cdnURL: 'http://cdn.example/' })).phase, 'Online');
  });
});

describe('what is wrong is told', () => {
  const cases: Record<
    string,
    {
      server?: Partial<S3ServerOptions>;
      request?: Partial<S3ProbeRequest>;
      reason: string;
      words: RegExp;
      authenticated?: string;
    }
  > = {
    'an unknown access key': {
      request: { credentials: { ...good, accessKeyId: 'AKIABAD' } },
      reason: 'AuthenticationFailed',
      words: /403 InvalidAccessKeyId.*the service does not know accessKeyId; check the Secret/,
      authenticated: 'False',
    },
    'a wrong secret': {
      request: { credentials: { ...good, secretAccessKey: 'wrong' } },
      reason: 'AuthenticationFailed',
      words: /SignatureDoesNotMatch.*secretAccessKey is wrong/,
      authenticated: 'False',
    },
    'no keys at all': {
      request: { credentials: undefined },
      reason: 'AuthenticationFailed',
      words: /the bucket is not public: put accessKeyId and secretAccessKey into a Secret/,
    },
    'a bucket that does not exist': {
      request: { bucket: 'nothing' },
      reason: 'NotExported',
      words: /http:\/\/s3.example\/nothing: .*there is no such bucket; check spec.s3.bucket/,
    },
    'a clock that is behind': {
      server: { skew: 20 * 60_000 },
      reason: 'ClockSkewed',
      words: /the operator's clock is 20 min behind the service's; set both clocks right/,
      authenticated: 'Unknown',
    },
    'a service that wants fewer requests': {
      server: { answer: (_, response) => Boolean(response.writeHead(503).end()) },
      reason: 'Throttled',
      words: /answered 503; it asks for fewer requests; raise spec.probeInterval/,
    },
    'another endpoint': {
      server: {
        answer: (_, response) =>
          Boolean(response.writeHead(307, { location: 'http://other.example/data?x=1' }).end()),
      },
      reason: 'UnexpectedAnswer',
      words: /the bucket is at http:\/\/other.example\/data; set spec.s3.endpoint/,
    },
    'a web server that finds everything good': {
      server: { answer: (_, response) => Boolean(response.writeHead(200).end()) },
      reason: 'UnexpectedAnswer',
      words: /does spec.s3.endpoint name an S3 service/,
    },
    'an address that the bucket can not be a part of': {
      request: { endpoint: 'http://10.0.0.5:9000', pathStyle: false },
      reason: 'InvalidSpec',
      words: /can't be a part of the address 10.0.0.5; set spec.s3.pathStyle to true/,
    },
    'a web page instead of S3': {
      server: {
        answer: (request, response) => {
          response.writeHead(request.method === 'HEAD' ? 405 : 200, {
            'content-type': 'text/html',
          });
          response.end('<html>welcome</html>');
          return true;
        },
      },
      reason: 'UnexpectedAnswer',
      words: /does spec.s3.endpoint name an S3 service/,
    },
  };
  for (const [what, { server, request, reason, words, authenticated }] of Object.entries(cases)) {
    test(what, async () => {
      const verdict = await ask(await serve(server), request);
      assert.equal(verdict.phase, 'Error');
      assert.equal(verdict.reason, reason);
      assert.match(verdict.statement, words);
      if (authenticated !== undefined) assert.equal(verdict.authenticated, authenticated);
      assert.ok(!JSON.stringify(verdict).includes(good.secretAccessKey));
    });
  }
});

test('a session token travels with the request and is part of the signature', async () => {
  const tokens: unknown[] = [];
  const server = await serve({
    answer: (request) => {
      tokens.push(request.headers['x-amz-security-token']);
      return false;
    },
  });
  const verdict = await ask(server, { credentials: { ...good, sessionToken: 'tok' } });
  assert.equal(verdict.phase, 'Online');
  assert.deepEqual(tokens, ['tok']);
});

test('a prefix with every awkward character is signed as it is sent', async () => {
  const prefix = "a b+c/ü!'()*&=%";
  const verdict = await ask(await serve(), { prefix, countObjectsUpTo: 10 });
  assert.equal(verdict.phase, 'Online');
  assert.equal(verdict.measured?.fileCount, 0);
});
