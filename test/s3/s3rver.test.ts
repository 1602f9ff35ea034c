// The S3 probe against a service that somebody else wrote: s3rver, from the npm registry. It checks keys and
// signatures; regions and clocks it takes as they come, and its list ends after one page.
import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { SignatureV4 } from '@smithy/signature-v4';
import { storageBackendSpec } from '../../src/api/storage-backend.ts';
import { addressRules, probeS3, type S3ProbeRequest } from '../../src/backends/index.ts';
import { judgeProbe, type ProbedSpec } from '../../src/plan/storage-backend-verdict.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import { systemClock } from '../../src/runtime/clock.ts';

interface S3rver {
  run(): Promise<{ port: number }>;
  close(): Promise<void>;
}
type S3rverClass = new (options: object) => S3rver;
const require = createRequire(import.meta.url);
const Server = require('@20minutes/s3rver') as S3rverClass;

const good = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' };
let server: S3rver;
let folder: string;
let endpoint: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 's3rver-'));
  const configureBuckets = [{ name: 'data' }];
  const options = { address: '127.0.0.1', port: 0, silent: true, directory: folder };
  server = new Server({ ...options, configureBuckets });
  const { port } = await server.run();
  endpoint = `http://127.0.0.1:${port}`;
  for (const key of ['backups/one', 'backups/two words & more', 'logs/three'])
    await put(port, key, 'x'.repeat(100));
});
after(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

class Sha256 {
  readonly #hash;
  constructor(secret?: Parameters<typeof createHmac>[1]) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret);
  }
  update(bytes: Parameters<typeof createHmac>[1] & string): void {
    this.#hash.update(bytes);
  }
  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.#hash.digest());
  }
  reset(): void {}
}

async function put(port: number, key: string, body: string): Promise<void> {
  const signer = new SignatureV4({
    service: 's3',
    region: 'us-east-1',
    credentials: good,
    sha256: Sha256 as never,
    uriEscapePath: false,
    applyChecksum: true,
  });
  const path = `/data/${key.split('/').map(encodeURIComponent).join('/')}`;
  const host = `127.0.0.1:${port}`;
  const request = { method: 'PUT', protocol: 'http:', hostname: '127.0.0.1', port, path, body };
  const signed = await signer.sign({ ...request, query: {}, headers: { host } });
  const answer = await fetch(`http://${host}${path}`, {
    method: 'PUT',
    body,
    headers: signed.headers,
  });
  assert.equal(answer.status, 200, await answer.text());
}

async function ask(request: Partial<S3ProbeRequest> = {}, clock: Clock = systemClock) {
  const spec = storageBackendSpec.parse({
    type: 's3',
    s3: { endpoint, bucket: request.bucket ?? 'data' },
    credentialsSecretRef: { name: 'keys' },
  }) as ProbedSpec & { type: 's3' };
  const rules = addressRules({ probeLoopback: true });
  const asked = { ...spec.s3, timeoutMilliseconds: 30_000, credentials: good, ...request };
  const seen = await probeS3({ clock, rules, hostAliases: {} }, asked, AbortSignal.timeout(60_000));
  return judgeProbe(spec, seen, clock.now());
}

describe('s3rver', () => {
  test('a bucket with the right keys: found, listed, counted', async () => {
    const verdict = await ask();
    assert.equal(verdict.statement, `${endpoint}/data can be listed`);
    assert.equal(verdict.phase, 'Online');
    assert.deepEqual(verdict.measured, {
      fileCount: 3,
      usedBytes: 300,
      fileCountTruncated: false,
    });
  });

  test('only what is below an awkward prefix', async () => {
    const verdict = await ask({ prefix: 'backups/two words & ' });
    assert.equal(verdict.measured?.fileCount, 1);
  });

  test('an unknown access key', async () => {
    const verdict = await ask({ credentials: { ...good, accessKeyId: 'NOBODY' } });
    assert.equal(verdict.reason, 'AuthenticationFailed');
    assert.match(verdict.statement, /InvalidAccessKeyId.*does not know accessKeyId/);
  });

  test('a wrong secret', async () => {
    const verdict = await ask({ credentials: { ...good, secretAccessKey: 'wrong' } });
    assert.equal(verdict.reason, 'AuthenticationFailed');
    assert.match(verdict.statement, /SignatureDoesNotMatch.*secretAccessKey is wrong/);
  });

  test('a bucket that does not exist', async () => {
    const verdict = await ask({ bucket: 'nothing' });
    assert.equal(verdict.reason, 'NotExported');
    assert.match(verdict.statement, /NoSuchBucket.*check spec.s3.bucket/);
  });

  test('a clock that is half an hour ahead is worth a word before it becomes a fault', async () => {
    const clock: Clock = { ...systemClock, now: () => systemClock.now() + 30 * 60_000 };
    const verdict = await ask({}, clock);
    assert.equal(verdict.phase, 'Online');
    assert.match(verdict.statement, /the operator's clock is 30 min ahead of the service's/);
  });
});
