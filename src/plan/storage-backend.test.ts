// When backends are probed, and what of it is published.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { StorageBackend, StorageBackendStatus } from '../api/storage-backend.ts';
import { storageBackendSpec, storageBackendStatus } from '../api/storage-backend.ts';
import {
  afterProbe,
  firstMemory,
  type ProbeMemory,
  planProbe,
  planStorageBackend,
} from './storage-backend.ts';
import type { ProbeVerdict } from './storage-backend-probe.ts';

const now = Date.UTC(2026, 0, 1, 12);
const minute = 60_000;

interface BackendOptions {
  readonly spec?: object;
  readonly generation?: number;
  readonly request?: string;
  readonly status?: StorageBackendStatus;
}

function aBackend({ spec, generation = 1, request, status }: BackendOptions = {}): StorageBackend {
  const http = { type: 'http', http: { baseURL: 'http://files.example/' } };
  return {
    apiVersion: 'poolkeeper.dev/v1alpha1',
    kind: 'StorageBackend',
    metadata: {
      name: 'files',
      namespace: 'storage',
      uid: 'one',
      resourceVersion: '3',
      generation,
      creationTimestamp: '2026-01-01T00:00:00Z',
      ...(request === undefined
        ? {}
        : { annotations: { 'poolkeeper.dev/probe-requested-at': request } }),
    },
    spec: storageBackendSpec.parse({ ...http, ...spec }),
    ...(status ? { status } : {}),
  };
}

function aVerdict(verdict: Partial<ProbeVerdict> = {}): ProbeVerdict {
  return {
    phase: 'Online',
    reason: 'ProbeSucceeded',
    statement: 'HEAD http://files.example/ answered 200',
    timing: 'after 12 ms',
    reachable: 'True',
    needsChange: false,
    latencyMilliseconds: 12.34,
    ...verdict,
  };
}

const refused: Partial<ProbeVerdict> = {
  phase: 'Offline',
  reason: 'ConnectionRefused',
  statement: 'http://files.example/: files.example:80 refused the connection',
  reachable: 'False',
  latencyMilliseconds: undefined,
};

function aMemory(memory: Partial<ProbeMemory> = {}): ProbeMemory {
  return {
    uid: 'one',
    generation: 1,
    request: undefined,
    failures: 0,
    nextAt: 100 * minute,
    ...memory,
  };
}

function find(status: StorageBackendStatus, type: string) {
  return status.conditions.find((condition) => condition.type === type);
}

describe('when a backend is probed', () => {
  const cases: Record<
    string,
    { backend?: BackendOptions; memory?: Partial<ProbeMemory>; at?: number; want: string }
  > = {
    'not before its time': { at: 99 * minute, want: 'wait' },
    'when its time has come': { at: 100 * minute, want: 'probe' },
    'at once after a change of its spec': { backend: { generation: 2 }, at: 0, want: 'probe' },
    'at once when somebody asks': { backend: { request: 'now' }, at: 0, want: 'probe' },
    'once for each time somebody asks': {
      backend: { request: 'now' },
      memory: { request: 'now' },
      at: 0,
      want: 'wait',
    },
    'never while suspended': {
      backend: { spec: { suspend: true } },
      at: 101 * minute,
      want: 'idle',
    },
    'never from a node': { backend: { spec: { nodeName: 'node-1' } }, want: 'idle' },
  };
  for (const [when, { backend, memory, at = 0, want }] of Object.entries(cases)) {
    test(when, () => {
      assert.equal(planProbe(aBackend(backend), aMemory(memory), at).type, want);
    });
  }

  test('a new one at once; after a restart the known ones are spread over a minute', () => {
    assert.equal(firstMemory(aBackend(), 5, 0.5).nextAt, 5);
    const status = planStorageBackend(aBackend(), aVerdict(), now);
    assert.equal(firstMemory(aBackend({ status }), 5, 0.5).nextAt, 5 + 30_000);
    const often = aBackend({ status, spec: { probeInterval: '10s' } });
    assert.equal(firstMemory(often, 5, 0.5).nextAt, 5 + 5_000);
  });

  test('soon after a failure, then ever later, never later than the interval', () => {
    const backend = aBackend({ spec: { probeInterval: '1m' } });
    const delays: number[] = [];
    let memory = aMemory();
    for (let probe = 0; probe < 6; probe++) {
      memory = afterProbe(memory, backend, aVerdict(refused), { now: 0, chance: 0.5 });
      delays.push(memory.nextAt / 1000);
    }
    assert.deepEqual(delays, [5, 10, 20, 40, 60, 60]);
    const well = afterProbe(memory, backend, aVerdict(), { now: 0, chance: 0 });
    assert.equal(well.nextAt, 54_000, 'the interval, less ten percent of chance');
    assert.equal(well.failures, 0);
  });
});

describe('what is published', () => {
  test('the first result, in words and numbers', () => {
    const status = planStorageBackend(aBackend({ request: 'r1' }), aVerdict(), now);
    assert.equal(status.phase, 'Online');
    assert.equal(status.message, 'HEAD http://files.example/ answered 200 after 12 ms');
    assert.equal(status.latencyMilliseconds, 12.3);
    assert.equal(status.summary?.latency, '12 ms');
    assert.equal(status.lastProbeRequest, 'r1');
    assert.equal(find(status, 'Ready')?.status, 'True');
    assert.equal(find(status, 'Reachable')?.status, 'True');
    assert.equal(find(status, 'Reconciling'), undefined);
    assert.deepEqual(storageBackendStatus.parse(status), status);
  });

  const published = planStorageBackend(aBackend(), aVerdict(), now);
  const news: Record<
    string,
    { verdict?: Partial<ProbeVerdict>; backend?: BackendOptions; after?: number; want: boolean }
  > = {
    'another latency is no news': { verdict: { latencyMilliseconds: 900 }, want: false },
    'another latency is news after ten minutes': {
      verdict: { latencyMilliseconds: 900 },
      after: 10 * minute,
      want: true,
    },
    'another state is news': { verdict: refused, want: true },
    'another sentence is news': { verdict: { statement: 'its certificate ends' }, want: true },
    'an answered request is news': { backend: { request: 'now' }, want: true },
    'another spec is news': { backend: { generation: 2 }, want: true },
  };
  for (const [what, { verdict, backend, after = minute, want }] of Object.entries(news)) {
    test(what, () => {
      const before = aBackend({ ...backend, status: published });
      const status = planStorageBackend(before, aVerdict(verdict), now + after);
      assert.equal(status !== published, want);
    });
  }

  test('nothing is said again while nothing was probed', () => {
    assert.equal(planStorageBackend(aBackend({ status: published }), undefined, now), published);
  });

  test('before the first probe has ended, that it is under way', () => {
    const status = planStorageBackend(aBackend(), undefined, now);
    assert.equal(status.phase, 'Unknown');
    assert.equal(find(status, 'Reconciling')?.status, 'True');
    const after = planStorageBackend(aBackend({ status }), aVerdict(), now);
    assert.equal(find(after, 'Reconciling'), undefined);
  });

  test('what may pass by itself is reconciling, what needs somebody is stalled, never both', () => {
    const offline = planStorageBackend(aBackend({ status: published }), aVerdict(refused), now);
    assert.equal(find(offline, 'Ready')?.reason, 'ConnectionRefused');
    assert.equal(find(offline, 'Reconciling')?.status, 'True');
    assert.equal(find(offline, 'Stalled'), undefined);
    assert.equal(offline.latencyMilliseconds, undefined, 'an old number would look like a new one');
    const denied = { phase: 'Error', reason: 'AuthenticationFailed', needsChange: true } as const;
    const stalled = planStorageBackend(aBackend({ status: offline }), aVerdict(denied), now);
    assert.equal(find(stalled, 'Stalled')?.reason, 'AuthenticationFailed');
    assert.equal(find(stalled, 'Reconciling'), undefined);
  });

  test('a suspended backend is unknown and says why, once', () => {
    const backend = aBackend({ spec: { suspend: true }, generation: 2, status: published });
    const status = planStorageBackend(backend, undefined, now);
    assert.equal(status.phase, 'Unknown');
    assert.equal(find(status, 'Ready')?.reason, 'Suspended');
    assert.equal(find(status, 'Ready')?.status, 'Unknown');
    assert.equal(status.latencyMilliseconds, undefined);
    const again = planStorageBackend({ ...backend, status }, undefined, now + minute);
    assert.deepEqual(again, status);
  });

  test('a type that is not probed yet says so', () => {
    const spec = { type: 'nfs', nfs: { server: 'files.example', exportPath: '/export' } };
    const status = planStorageBackend(aBackend({ spec }), undefined, now);
    assert.equal(status.phase, 'Unknown');
    assert.equal(find(status, 'Stalled')?.reason, 'InvalidSpec');
    assert.equal(
      find(status, 'Stalled')?.message,
      'spec.type nfs is not probed by this version yet',
    );
  });
});
