// When backends are probed, and what of it is published.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { StorageBackend, StorageBackendStatus } from '../api/storage-backend.ts';
import { storageBackendSpec, storageBackendStatus } from '../api/storage-backend.ts';
import {
  type BackendView,
  isFresh,
  planHold,
  planStorageBackend,
  probableOf,
} from './storage-backend.ts';
import {
  afterProbe,
  firstMemory,
  inspectEvery,
  type ProbeEnd,
  type ProbeMemory,
  planProbe,
  share,
} from './storage-backend-schedule.ts';
import type { ProbeVerdict } from './storage-backend-verdict.ts';

const now = Date.UTC(2026, 0, 1, 12);
const minute = 60_000;

interface BackendOptions {
  readonly spec?: object;
  readonly generation?: number;
  readonly request?: string;
  readonly status?: StorageBackendStatus;
  readonly metadata?: object;
}

function aBackend({
  spec,
  generation = 1,
  request,
  status,
  metadata,
}: BackendOptions = {}): StorageBackend {
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
      ...metadata,
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
    checks: [{ name: 'TCP', result: 'Passed', message: 'accepted' }],
    ...verdict,
  };
}

const refused = {
  phase: 'Offline',
  reason: 'ConnectionRefused',
  statement: 'http://files.example/: files.example:80 refused the connection',
  reachable: 'False',
  latencyMilliseconds: undefined,
} as unknown as Partial<ProbeVerdict>;

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

function judge(
  backend: StorageBackend,
  verdict: ProbeVerdict | undefined,
  at: number,
  view: Partial<BackendView> = {},
): StorageBackendStatus {
  const news = verdict && ({ type: 'verdict', verdict } as const);
  return planStorageBackend({ backend, users: [], ...view }, news, at);
}

function probable(options?: BackendOptions) {
  return probableOf(aBackend(options), { users: [] });
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
    'never on its way out': {
      backend: { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } },
      at: 101 * minute,
      want: 'idle',
    },
    'only its Secret is looked at between probes': {
      memory: { inspectAt: 5 * minute },
      at: 6 * minute,
      want: 'inspect',
    },
  };
  for (const [when, { backend, memory, at = 0, want }] of Object.entries(cases)) {
    test(when, () => {
      assert.equal(planProbe(probable(backend), aMemory(memory), at).type, want);
    });
  }

  test('one that is on its way out, but still used, is probed', () => {
    const backend = aBackend({ metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } });
    assert.equal(probableOf(backend, { users: ['StoragePool data'] }).isIdle, false);
  });

  test('a new one at once; after a restart the known ones are spread over a minute', () => {
    const unseen = { isKnown: false, isFresh: false };
    assert.equal(firstMemory(probable(), unseen, 5).nextAt, 5);
    const seen = { isKnown: true, isFresh: true };
    const { nextAt, generation } = firstMemory(probable(), seen, 5);
    assert.ok(nextAt >= 5 && nextAt < 5 + minute);
    assert.equal(generation, 1);
    const often = firstMemory(probable({ spec: { probeInterval: '10s' } }), seen, 5);
    assert.ok(often.nextAt < 5 + 10_000);
  });

  const failed = { isOnline: false, needsChange: false, now: 0, chance: 0.5 };

  function delaysAfter(end: ProbeEnd, count: number): number[] {
    const delays: number[] = [];
    let memory = aMemory();
    for (let probe = 0; probe < count; probe++) {
      memory = afterProbe(memory, probable(), end);
      delays.push(memory.nextAt / 1000);
    }
    return delays;
  }

  test('soon after a failure that may pass, then ever later, never beyond the interval', () => {
    const delays = delaysAfter(failed, 6);
    assert.deepEqual(delays.slice(0, 4), [5, 10, 20, 40]);
    for (const delay of delays.slice(4)) assert.ok(delay >= 30 && delay <= 90);
  });

  test('ever less often where only somebody can help, but its Secret is looked at', () => {
    const stalled = { ...failed, needsChange: true };
    assert.deepEqual(delaysAfter(stalled, 5), [60, 120, 240, 300, 300]);
  });

  test('what a probe was made with is looked at every few seconds, of many backends less often', () => {
    const inspectMilliseconds = inspectEvery(100);
    assert.equal(inspectMilliseconds, 5_000);
    assert.equal(inspectEvery(1_000), 50_000);
    const well = { isOnline: true, needsChange: false, chance: 0.5, now: 1_000 };
    const memory = afterProbe(aMemory(), probable(), { ...well, inspectMilliseconds });
    assert.equal(memory.inspectAt, 6_000);
    assert.equal(afterProbe(aMemory(), probable(), well).inspectAt, undefined, 'there is nothing');
  });

  test('a thousand made at once are probed evenly, and stay so for ever', () => {
    const perSecond = new Array<number>(60).fill(0);
    for (let index = 0; index < 1000; index++) {
      const one = {
        ...probable(),
        uid: `5f0c1f2e-8a7b-4d8e-9c55-${String(index).padStart(12, '0')}`,
      };
      let memory = aMemory({ uid: one.uid });
      const well = { isOnline: true, needsChange: false, chance: 0.5 };
      for (let round = 0; round < 5; round++)
        memory = afterProbe(memory, one, { ...well, now: round === 0 ? 0 : memory.nextAt });
      perSecond[Math.floor(memory.nextAt / 1000) % 60]!++;
    }
    // 17 on average; a fair spread of 1,000 over 60 stays within 3.5 standard deviations.
    assert.ok(Math.max(...perSecond) <= 31, `a burst of ${Math.max(...perSecond)}`);
    assert.ok(Math.min(...perSecond) >= 4, `a lull of ${Math.min(...perSecond)}`);
  });

  test('shares differ for neighbouring uids', () => {
    assert.ok(Math.abs(share('a-000000001') - share('a-000000002')) > 0.001);
  });
});

describe('whether a result can still be believed', () => {
  const status = judge(aBackend(), aVerdict(), now);
  test('as long as another would have been published since', () => {
    assert.equal(isFresh(aBackend({ status }), now + 12 * minute), true);
    assert.equal(isFresh(aBackend({ status }), now + 13 * minute), false);
  });
  test('never of another spec', () => {
    assert.equal(isFresh(aBackend({ status, generation: 2 }), now), false);
  });
  test('one that can not is taken back', () => {
    const news = { type: 'outdated', message: 'the last probe was long ago' } as const;
    const after = planStorageBackend({ backend: aBackend({ status }), users: [] }, news, now);
    assert.equal(after.phase, 'Unknown');
    assert.equal(find(after, 'Ready')?.reason, 'ProbeOutdated');
    assert.equal(after.summary, undefined);
  });
});

describe('a backend that is used', () => {
  const held = { finalizers: ['poolkeeper.dev/children'] };
  const leaving = { ...held, deletionTimestamp: '2026-01-01T00:00:00Z' };
  test('is held from its first moment and let go when nobody uses it', () => {
    assert.equal(planHold({ backend: aBackend(), users: [] }), 'hold');
    assert.equal(planHold({ backend: aBackend({ metadata: held }), users: [] }), undefined);
    const backend = aBackend({ metadata: leaving });
    assert.equal(planHold({ backend, users: ['StoragePool data'] }), undefined);
    assert.equal(planHold({ backend, users: [] }), 'release');
  });
  test('says who keeps it from going, and where it is mounted', () => {
    const status = judge(aBackend(), aVerdict(), now);
    const backend = aBackend({ metadata: leaving, status });
    const users = ['StoragePool data', 'StoragePool logs'];
    const after = judge(backend, undefined, now, { users, mountPath: '/mnt/data' });
    const deleting = find(after, 'Deleting');
    assert.equal(deleting?.reason, 'BackendInUse');
    assert.match(deleting?.message ?? '', /used by StoragePool data, StoragePool logs$/);
    assert.deepEqual([after.users, after.mountPath], [users, '/mnt/data']);
    assert.equal(after.phase, 'Online', 'it is probed as long as it is used');
  });
});

describe('what is published', () => {
  test('the first result, in words and numbers', () => {
    const status = judge(aBackend({ request: 'r1' }), aVerdict(), now);
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

  const measured = { usedBytes: 500, totalBytes: 1000, availableBytes: 500 };
  const published = judge(aBackend(), aVerdict({ measured }), now);
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
    'half a percent more in use is no news': {
      verdict: { measured: { usedBytes: 505, totalBytes: 1000, availableBytes: 495 } },
      want: false,
    },
    'two percent more in use is news': {
      verdict: { measured: { usedBytes: 520, totalBytes: 1000, availableBytes: 480 } },
      want: true,
    },
    'a renewed certificate is news': {
      verdict: { certificateEndsAt: Date.UTC(2027, 0, 1) },
      want: true,
    },
  };
  for (const [what, { verdict, backend, after = minute, want }] of Object.entries(news)) {
    test(what, () => {
      const before = aBackend({ ...backend, status: published });
      const status = judge(before, aVerdict({ measured, ...verdict }), now + after);
      assert.equal(status !== published, want);
    });
  }

  test('nothing is said again while nothing was probed', () => {
    assert.equal(judge(aBackend({ status: published }), undefined, now), published);
  });

  test('before the first probe has ended, that it is under way', () => {
    const status = judge(aBackend(), undefined, now);
    assert.equal(status.phase, 'Unknown');
    assert.equal(find(status, 'Reconciling')?.status, 'True');
    const after = judge(aBackend({ status }), aVerdict(), now);
    assert.equal(find(after, 'Reconciling'), undefined);
  });

  test('what may pass by itself is reconciling, what needs somebody is stalled, never both', () => {
    const offline = judge(aBackend({ status: published }), aVerdict(refused), now);
    assert.equal(find(offline, 'Ready')?.reason, 'ConnectionRefused');
    assert.equal(find(offline, 'Reconciling')?.status, 'True');
    assert.equal(find(offline, 'Stalled'), undefined);
    assert.equal(offline.latencyMilliseconds, undefined, 'an old number would look like a new one');
    const denied = { phase: 'Error', reason: 'AuthenticationFailed', needsChange: true } as const;
    const stalled = judge(aBackend({ status: offline }), aVerdict(denied), now);
    assert.equal(find(stalled, 'Stalled')?.reason, 'AuthenticationFailed');
    assert.equal(find(stalled, 'Reconciling'), undefined);
  });

  test('a suspended backend is unknown and says why, once', () => {
    const backend = aBackend({ spec: { suspend: true }, generation: 2, status: published });
    const status = judge(backend, undefined, now);
    assert.equal(status.phase, 'Unknown');
    assert.equal(find(status, 'Ready')?.reason, 'Suspended');
    assert.equal(find(status, 'Ready')?.status, 'Unknown');
    assert.equal(status.latencyMilliseconds, undefined);
    const again = judge({ ...backend, status }, undefined, now + minute);
    assert.deepEqual(again, status);
  });
});
