import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configMaps } from '../api/built-in.ts';
import { FakeClock, settle } from '../runtime/fake-clock.ts';
import { createRuntime } from '../runtime/index.ts';
import { seededRandom } from '../runtime/random.ts';
import { createKubeClient } from './client.ts';
import { createConnection } from './connection.ts';
import { ApiError, isConflict, isNotFound, UnreachableError } from './errors.ts';
import type { Transport, WireRequest, WireResponse } from './transport.ts';

type Answer = { status: number; body?: unknown; headers?: Record<string, string> };

/** A connection whose server answers from a list; undefined hangs for ever. */
function aConnection(
  answers: (Answer | Error | undefined)[],
  options: { concurrency?: number } = {},
) {
  const clock = new FakeClock();
  const runtime = createRuntime({ clock, random: seededRandom(1) });
  const sent: WireRequest[] = [];
  const transport: Transport = {
    request: (wire) => {
      sent.push(wire);
      const answer = answers.shift();
      if (answer instanceof Error) return Promise.reject(answer);
      if (!answer) return hang(wire);
      const { status, body = {}, headers = {} } = answer;
      return Promise.resolve({ status, headers, body: JSON.stringify(body) });
    },
    stream: () => Promise.reject(new Error('no streams here')),
    close: () => Promise.resolve(),
  };
  const connection = createConnection({
    transport,
    runtime,
    userAgent: 'poolkeeper/1 (test)',
    ...options,
  });
  return { clock, runtime, connection, sent, client: createKubeClient({ connection }) };
}

function hang(wire: WireRequest): Promise<WireResponse> {
  return new Promise((_resolve, reject) => {
    wire.signal?.addEventListener('abort', () => reject(wire.signal?.reason), { once: true });
  });
}

const noAnswer = (): never => assert.fail('the call was answered');

const get = { method: 'GET', path: '/api/v1/nodes' } as const;

test('a refusal carries status, reason, details and no headers', async () => {
  const body = { reason: 'Conflict', message: 'it has moved on', details: { name: 'a' } };
  const { connection } = aConnection([{ status: 409, body, headers: { 'set-cookie': 'secret' } }]);
  const error = await connection.call(get).then(noAnswer, (thrown: ApiError) => thrown);
  assert.ok(error instanceof ApiError);
  assert.equal(error.message, 'GET /api/v1/nodes: 409 it has moved on');
  assert.equal(error.retry, 'now');
  assert.equal(error.details?.name, 'a');
  assert.ok(isConflict(error) && !isNotFound(error));
});

test('a proxy that answers in HTML is quoted in short', async () => {
  const clock = new FakeClock();
  const connection = createConnection({
    runtime: createRuntime({ clock }),
    transport: {
      request: async () => ({ status: 403, headers: {}, body: '<html>blocked</html>' }),
      stream: () => Promise.reject(new Error('no')),
      close: async () => {},
    },
  });
  await assert.rejects(connection.call(get), /403 <html>blocked/);
});

test('a busy server is asked again after the time it names, whatever the method', async () => {
  const busy = { status: 429, headers: { 'retry-after': '3' } };
  const { connection, clock, sent } = aConnection([busy, { status: 201, body: { ok: true } }]);
  const answer = connection.call({ method: 'POST', path: '/x', body: {} });
  await clock.advance(2999);
  assert.equal(sent.length, 1);
  await clock.advance(1000);
  assert.deepEqual(await answer, { ok: true });
});

test('who asks for a long wait is left to the caller, with the time named', async () => {
  const { connection, sent } = aConnection([{ status: 503, headers: { 'retry-after': '60' } }]);
  const error = await connection.call(get).then(noAnswer, (thrown: ApiError) => thrown);
  assert.equal(error.retryAfterMilliseconds, 60_000);
  assert.equal(sent.length, 1);
});

test('reads survive a broken connection; writes that may have happened are not repeated', async () => {
  const reset = (): Error => new UnreachableError('reset', { sent: true });
  const reading = aConnection([reset(), { status: 200, body: { ok: true } }]);
  const answer = reading.connection.call(get);
  await reading.clock.advance(1000);
  assert.deepEqual(await answer, { ok: true });
  const writing = aConnection([reset()]);
  await assert.rejects(
    writing.connection.call({ method: 'PATCH', path: '/x', body: {} }),
    UnreachableError,
  );
  assert.equal(writing.sent.length, 1);
});

test('a call that is not answered ends after its deadline', async () => {
  const { connection, clock } = aConnection([undefined]);
  const answer = assert.rejects(connection.call(get), /no answer in 30000 ms/);
  await clock.advance(30_000);
  await answer;
});

test('bulk calls wait their turn, the election lane never does', async () => {
  const { connection, sent, clock } = aConnection([undefined, undefined, { status: 200 }], {
    concurrency: 2,
  });
  const bulk = [connection.call(get), connection.call(get), connection.call(get)];
  await settle();
  assert.equal(sent.length, 2);
  await connection.call({ ...get, lane: 'election' });
  assert.equal(sent.length, 3);
  for (const call of bulk) call.catch(() => {});
  await clock.advance(60_000);
});

test('requests are counted by code, method and verb', async () => {
  const { connection, runtime } = aConnection([{ status: 200 }]);
  await connection.call(get);
  const text = await runtime.metrics.expose();
  assert.match(text, /rest_client_requests_total\{code="200",method="GET",verb="get"\} 1/);
});

test('the client says who writes, and how', async () => {
  const found = { metadata: { name: 'a', namespace: 'shop', uid: 'u', resourceVersion: '1' } };
  const { client, sent } = aConnection(
    Array.from({ length: 4 }, () => ({ status: 200, body: found })),
  );
  const reference = { namespace: 'shop', name: 'a' };
  await client.mergePatch(configMaps, reference, { data: { x: '1' } }, { subresource: 'status' });
  await client.jsonPatch(configMaps, reference, [{ op: 'remove', path: '/data' }]);
  await client.apply(configMaps, { metadata: reference }, { fieldManager: 'me', force: true });
  await client.create(configMaps, { metadata: reference });
  assert.deepEqual(
    sent.map((wire) => [wire.method, wire.path, wire.headers['content-type']]),
    [
      [
        'PATCH',
        '/api/v1/namespaces/shop/configmaps/a/status?fieldManager=poolkeeper',
        'application/merge-patch+json',
      ],
      [
        'PATCH',
        '/api/v1/namespaces/shop/configmaps/a?fieldManager=poolkeeper',
        'application/json-patch+json',
      ],
      [
        'PATCH',
        '/api/v1/namespaces/shop/configmaps/a?fieldManager=me&force=true',
        'application/apply-patch+yaml',
      ],
      ['POST', '/api/v1/namespaces/shop/configmaps?fieldManager=poolkeeper', 'application/json'],
    ],
  );
  assert.equal(sent[0]?.headers['user-agent'], 'poolkeeper/1 (test)');
  assert.equal(JSON.parse(sent[3]!.body!).kind, 'ConfigMap');
});

test('deleting tells whether the object is gone, on its way, or was never there', async () => {
  const metadata = { name: 'a', namespace: 'shop', uid: 'u', resourceVersion: '1' };
  const leaving = { ...metadata, deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['x'] };
  const { client, sent } = aConnection([
    { status: 200, body: { kind: 'Status', status: 'Success', details: { uid: 'u' } } },
    { status: 200, body: { metadata: leaving } },
    { status: 404, body: { reason: 'NotFound' } },
  ]);
  const reference = { namespace: 'shop', name: 'a' };
  const preconditions = { uid: 'u', resourceVersion: '1' };
  assert.equal(await client.delete(configMaps, reference, preconditions), 'deleted');
  assert.equal(await client.delete(configMaps, reference), 'terminating');
  assert.equal(await client.delete(configMaps, reference), 'absent');
  assert.deepEqual(JSON.parse(sent[0]!.body!).preconditions, preconditions);
});

test('an object that is not there is undefined, not an error', async () => {
  const { client } = aConnection([{ status: 404, body: { reason: 'NotFound' } }]);
  assert.equal(await client.get(configMaps, { namespace: 'shop', name: 'a' }), undefined);
});

test('long lists arrive in pages, each item with its type', async () => {
  const page = (name: string, next?: string): Answer => ({
    status: 200,
    body: { items: [{ metadata: { name } }], metadata: { resourceVersion: '5', continue: next } },
  });
  const { client, sent } = aConnection([page('a', 'token'), page('b')]);
  const listed = await client.list(configMaps, { namespace: 'shop', labelSelector: 'app=web' });
  assert.deepEqual(
    listed.map((item) => [item.kind, item.metadata.name]),
    [
      ['ConfigMap', 'a'],
      ['ConfigMap', 'b'],
    ],
  );
  assert.match(sent[1]!.path, /limit=250&continue=token&labelSelector=app%3Dweb/);
});
