import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '../runtime/fake-clock.ts';
import { createRuntime } from '../runtime/index.ts';
import { seededRandom } from '../runtime/random.ts';
import type { KubeClient } from './client.ts';
import { ApiError } from './errors.ts';
import { createEventRecorder } from './events.ts';

interface SentEvent {
  metadata: { name: string; namespace: string };
  note: string;
  regarding: { uid: string };
  series?: { count: number; lastObservedTime: string };
  eventTime: string;
}

/** A recorder and the Events its server holds; `refusals` are thrown first, one per call. */
function aRecorder(refusals: unknown[] = []) {
  const clock = new FakeClock();
  const runtime = createRuntime({ clock, random: seededRandom(1) });
  const stored = new Map<string, SentEvent>();
  const calls: string[] = [];
  const refuse = (): void => {
    const refusal = refusals.shift();
    if (refusal) throw refusal;
  };
  const client = {
    create: async (_resource: unknown, event: SentEvent) => {
      calls.push('create');
      refuse();
      stored.set(event.metadata.name, event);
      return event;
    },
    mergePatch: async (_resource: unknown, reference: { name: string }, patch: object) => {
      calls.push('patch');
      refuse();
      const known = stored.get(reference.name);
      if (!known) throw new ApiError({ status: 404, call: 'PATCH' });
      Object.assign(known, patch);
      return known;
    },
  } as unknown as KubeClient;
  const recorder = createEventRecorder({
    runtime,
    client,
    reportingController: 'poolkeeper.dev/controller',
    reportingInstance: 'pod-1',
  });
  return { recorder, stored, calls, clock, runtime };
}

function aPool(name: string, namespace: string | undefined = 'shop') {
  return {
    apiVersion: 'poolkeeper.dev/v1alpha1',
    kind: 'VolumePool',
    metadata: {
      name,
      ...(namespace && { namespace }),
      uid: `uid-${name}`,
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
    },
  };
}

test('an event says what happened to which object, with six digits of time', async () => {
  const { recorder, stored } = aRecorder();
  recorder.event(aPool('disks'), 'Normal', 'VolumeCreated', 'ScaleUp', 'created disk 1 of 5');
  await recorder.flush();
  const [event] = stored.values();
  assert.match(event!.metadata.name, /^disks\.[0-9a-f]{16}$/);
  assert.equal(event!.eventTime, '2026-01-01T00:00:00.000000Z');
  assert.equal(event!.regarding.uid, 'uid-disks');
  assert.equal(event!.series, undefined);
});

test('repeats within ten minutes are counted in one event, later ones start a new one', async () => {
  const { recorder, stored, clock } = aRecorder();
  const say = (): void =>
    recorder.event(aPool('disks'), 'Warning', 'QuotaExceeded', 'ScaleUp', 'no quota');
  for (let repeat = 0; repeat < 3; repeat++) {
    say();
    await recorder.flush();
    await clock.advance(60_000);
  }
  assert.equal(stored.size, 1);
  assert.equal([...stored.values()][0]!.series?.count, 3);
  await clock.advance(11 * 60_000);
  say();
  await recorder.flush();
  assert.equal(stored.size, 2);
});

test('an object that never stops talking is cut off; others are not', async () => {
  const { recorder, stored, clock } = aRecorder();
  for (let index = 0; index < 100; index++)
    recorder.event(aPool('noisy'), 'Normal', 'Tick', 'Tick', `tick ${index}`);
  recorder.event(aPool('quiet'), 'Normal', 'Tick', 'Tick', 'tick');
  await recorder.flush();
  assert.equal(stored.size, 26);
  await clock.advance(300_000);
  recorder.event(aPool('noisy'), 'Normal', 'Tick', 'Tick', 'after five minutes');
  await recorder.flush();
  assert.equal(stored.size, 27);
});

test('notes are cut at 1024 bytes without breaking a character', async () => {
  const { recorder, stored } = aRecorder();
  recorder.event(aPool('disks'), 'Normal', 'Long', 'Talk', `${'a'.repeat(1020)}€€€€`);
  await recorder.flush();
  const { note } = [...stored.values()][0]!;
  assert.ok(Buffer.byteLength(note) <= 1024);
  assert.ok(note.endsWith('a…'), note.slice(-5));
});

test('events of cluster-scoped objects are written to the default namespace', async () => {
  const { recorder, stored } = aRecorder();
  recorder.event(
    { ...aPool('node-1', ''), kind: 'StorageNode' },
    'Normal',
    'Seen',
    'Look',
    'hello',
  );
  await recorder.flush();
  assert.equal([...stored.values()][0]!.metadata.namespace, 'default');
});

test('a busy server is tried again, a refusal is final, and neither is ever thrown', async () => {
  const busy = new ApiError({ status: 503, call: 'POST' });
  const forbidden = new ApiError({ status: 403, call: 'POST' });
  const { recorder, stored, calls, clock } = aRecorder([busy, undefined, forbidden]);
  recorder.event(aPool('a'), 'Normal', 'One', 'Act', 'first');
  recorder.event(aPool('a'), 'Normal', 'Two', 'Act', 'second');
  const flushed = recorder.flush();
  await clock.advance(60_000);
  await flushed;
  assert.deepEqual(calls, ['create', 'create', 'create']);
  assert.equal(stored.size, 1);
});

test('an event that has expired on the server is created again when it repeats', async () => {
  const { recorder, stored, calls } = aRecorder();
  const say = (): void => recorder.event(aPool('a'), 'Normal', 'One', 'Act', 'again');
  say();
  await recorder.flush();
  stored.clear();
  say();
  await recorder.flush();
  assert.deepEqual(calls, ['create', 'patch', 'create']);
  assert.equal([...stored.values()][0]!.series?.count, 2);
});
