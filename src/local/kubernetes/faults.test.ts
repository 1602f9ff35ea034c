import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { settle } from '../../runtime/fake-clock.ts';
import { createRuntime } from '../../runtime/index.ts';
import { startEmbeddedKubernetes } from './index.ts';
import { aWidget, TestCluster, WIDGETS } from './test-cluster.ts';

describe('faults', () => {
  it('hit the requests they match, as often as asked', async () => {
    const cluster = await new TestCluster().withWidgets();
    cluster.server.faults.add({
      match: { verb: 'create', resource: 'widgets' },
      effect: { type: 'throttle', retryAfterSeconds: 3 },
      times: 2,
      after: 1,
    });
    const codes: number[] = [];
    for (const name of ['a', 'b', 'c', 'd']) {
      const answer = await cluster.create(WIDGETS, aWidget(name));
      codes.push(answer.code);
      if (answer.code === 429) assert.equal(answer.headers['retry-after'], '3');
    }
    assert.deepEqual(codes, [201, 429, 429, 201]);
  });

  it('can apply a write and lose the answer', async () => {
    const cluster = await new TestCluster().withWidgets();
    cluster.server.faults.add({ match: { verb: 'create' }, effect: { type: 'timeout-applied' } });
    await assert.rejects(cluster.create(WIDGETS, aWidget('a')), { name: 'ConnectionLost' });
    assert.equal((await cluster.get(`${WIDGETS}/a`)).code, 200);
  });

  it('can delay an answer and drop watches', async () => {
    const cluster = await new TestCluster().withWidgets();
    const watch = await cluster.watch(`${WIDGETS}?watch=1`);
    cluster.server.faults.add({ effect: { type: 'delay', milliseconds: 5000 } });
    let done = false;
    const slow = cluster.get(WIDGETS).then(() => {
      done = true;
    });
    await settle();
    assert.equal(done, false);
    await cluster.clock.advance(5000);
    await slow;
    cluster.server.faults.add({ effect: { type: 'drop-watches' } });
    await cluster.get(WIDGETS);
    await settle();
    assert.ok(watch.ended());
  });
});

describe('the request log', () => {
  it('counts and tells every request', async () => {
    const cluster = await new TestCluster().withWidgets();
    const seen: string[] = [];
    cluster.server.requests.subscribe((record) => seen.push(`${record.verb} ${record.code}`));
    await cluster.create(WIDGETS, aWidget('a'));
    await cluster.get(`${WIDGETS}/b`);
    assert.deepEqual(seen, ['create 201', 'get 404']);
    const { body } = await cluster.raw('GET', '/metrics');
    assert.match(
      String(body),
      /apiserver_request_total\{verb="CREATE".*resource="widgets".*code="201"\} 1/,
    );
  });
});

describe('the journal', () => {
  it('brings back everything that was confirmed, and versions go on', async (context) => {
    const dataDirectory = mkdtempSync(join(tmpdir(), 'poolkeeper-journal-'));
    context.after(() => rmSync(dataDirectory, { recursive: true }));
    const first = await new TestCluster({ dataDirectory }).withWidgets();
    await first.create(WIDGETS, aWidget('kept', { size: 1 }));
    await first.create(WIDGETS, aWidget('deleted'));
    await first.delete(`${WIDGETS}/deleted`);
    const { body } = await first.patch('merge', `${WIDGETS}/kept`, { spec: { size: 2 } });
    // The process dies in the middle of the next line.
    const path = join(dataDirectory, 'objects.jsonl');
    writeFileSync(path, `${readFileSync(path, 'utf8')}{"shelf":"example.com/wid`);
    const second = new TestCluster({ dataDirectory, seed: 2 });
    assert.deepEqual((await second.get(`${WIDGETS}/kept`)).body, body);
    assert.equal((await second.get(`${WIDGETS}/deleted`)).code, 404);
    const before = first.server.store.revision;
    assert.equal(second.server.store.revision, before);
    const old = await second.get(`${WIDGETS}?watch=1&resourceVersion=${before - 1}`);
    assert.equal(old.code, 410);
  });
});

describe('the socket', () => {
  it('serves TLS on loopback and says when its port is taken', async (context) => {
    const cluster = await startEmbeddedKubernetes({ runtime: createRuntime() });
    context.after(() => cluster.close());
    assert.match(cluster.url, /^https:\/\/127\.0\.0\.1:\d+$/);
    assert.match(cluster.caCertificate ?? '', /BEGIN CERTIFICATE/);
    assert.ok(cluster.kubeconfig.includes(cluster.url));
    const port = Number(new URL(cluster.url).port);
    await assert.rejects(
      startEmbeddedKubernetes({ runtime: createRuntime(), port }),
      new RegExp(`port ${port} on 127.0.0.1 is taken`),
    );
  });

  it('streams watches and breaks connections on order', async (context) => {
    const cluster = await startEmbeddedKubernetes({ runtime: createRuntime(), tls: false });
    context.after(() => cluster.close());
    const headers = { authorization: `Bearer ${cluster.token('me')}` };
    const url = `${cluster.url}/api/v1/namespaces?watch=true`;
    const response = await fetch(url, { headers });
    const reader = response.body!.getReader();
    const { value } = await reader.read();
    assert.match(Buffer.from(value!).toString(), /^\{"type":"ADDED","object":\{/);
    await reader.cancel();
    cluster.server.faults.add({ effect: { type: 'timeout' } });
    await assert.rejects(fetch(`${cluster.url}/api/v1/namespaces`, { headers }));
  });
});
