// Which node probes, when it changes, and how long a word is believed.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { BackendProbe, BackendProbeStatus } from '../api/backend-probe.ts';
import { type StorageBackend, storageBackendSpec } from '../api/storage-backend.ts';
import { type ProberView, planProber } from './storage-backend-prober.ts';

const now = Date.UTC(2026, 0, 1, 12);
const minute = 60_000;
const at = (time: number) => new Date(time).toISOString().replace('.000', '');

function aBackend(spec: object = {}, metadata: object = {}): StorageBackend {
  return {
    apiVersion: 'poolkeeper.dev/v1alpha1',
    kind: 'StorageBackend',
    metadata: {
      name: 'data',
      namespace: 'storage',
      uid: 'backend-uid',
      resourceVersion: '1',
      generation: 1,
      creationTimestamp: at(now),
      ...metadata,
    },
    spec: storageBackendSpec.parse({
      type: 'nfs',
      nfs: { server: 'nfs.example', exportPath: '/data' },
      ...spec,
    }),
  };
}

function aRecord(
  given: { spec?: object; status?: Partial<BackendProbeStatus> } = {},
): BackendProbe {
  const { step } = planProber(aView({ readyNodes: ['node-1'] }), now);
  assert.ok(step?.type === 'create');
  return {
    apiVersion: 'poolkeeper.dev/v1alpha1',
    kind: 'BackendProbe',
    metadata: {
      name: 'data',
      namespace: 'storage',
      uid: 'record-uid',
      resourceVersion: '1',
      generation: 1,
      creationTimestamp: at(now),
    },
    spec: { ...step.spec, ...given.spec } as BackendProbe['spec'],
    ...(given.status && {
      status: {
        phase: 'Online',
        conditions: [],
        checks: [],
        observedGeneration: 1,
        lastProbeTime: at(now),
        ...given.status,
      },
    }),
  };
}

function aView(view: Partial<ProberView> = {}): ProberView {
  return {
    backend: aBackend(),
    record: undefined,
    readyNodes: ['node-1', 'node-2', 'node-3'],
    isNamedNodeKnown: true,
    isWanted: true,
    ...view,
  };
}

describe('which node probes', () => {
  test('one, always the same while it is ready', () => {
    const { step } = planProber(aView(), now);
    assert.ok(step?.type === 'create');
    const record = aRecord({ spec: { nodeName: step.spec.nodeName } });
    assert.equal(planProber(aView({ record }), now).step, undefined);
  });

  test('the tasks of many backends are spread, and a lost node moves only its own', () => {
    const nodes = Array.from({ length: 10 }, (_, index) => `node-${index}`);
    const chosen = (uid: string, readyNodes: string[]) => {
      const { step } = planProber(aView({ backend: aBackend({}, { uid }), readyNodes }), now);
      return step?.type === 'create' ? step.spec.nodeName : undefined;
    };
    const uids = Array.from({ length: 500 }, (_, index) => `uid-${index}`);
    const counts = new Map<string, number>();
    for (const uid of uids) {
      const node = chosen(uid, nodes)!;
      counts.set(node, (counts.get(node) ?? 0) + 1);
      const fewer = nodes.filter((one) => one !== 'node-3');
      if (node !== 'node-3') assert.equal(chosen(uid, fewer), node);
    }
    for (const node of nodes) {
      const count = counts.get(node) ?? 0;
      assert.ok(count >= 25 && count <= 80, `${node} has ${count} of 500`);
    }
  });

  test('the named one, or nobody', () => {
    const backend = aBackend({ nodeName: 'node-2' });
    const { step } = planProber(aView({ backend }), now);
    assert.ok(step?.type === 'create' && step.spec.nodeName === 'node-2');
    const { news } = planProber(aView({ backend, readyNodes: ['node-1'] }), now);
    assert.match(news?.type === 'none' ? news.message : '', /the agent of node-2.* is not ready/);
  });

  test('another one when the present one falls silent', () => {
    const record = aRecord({ status: {} });
    const { step, news } = planProber(aView({ record, readyNodes: ['node-2'] }), now);
    assert.equal(step?.type, 'delete');
    assert.equal(news, undefined, 'what is known stands until the other has had its chance');
  });

  test('nobody when no agent is ready, and the record goes', () => {
    const { step, news } = planProber(aView({ record: aRecord(), readyNodes: [] }), now);
    assert.equal(step?.type, 'delete');
    assert.equal(news?.type, 'none');
  });

  test('nobody for one that is suspended or leaving', () => {
    assert.equal(
      planProber(aView({ record: aRecord(), isWanted: false }), now).step?.type,
      'delete',
    );
    assert.deepEqual(planProber(aView({ isWanted: false }), now), {});
  });

  test('a record of a former backend of that name is taken away first', () => {
    const record = aRecord({ spec: { backendRef: { name: 'data', uid: 'former' } } });
    assert.equal(planProber(aView({ record }), now).step?.type, 'delete');
  });
});

describe('the task', () => {
  test('follows the backend, field by field', () => {
    const record = aRecord({ status: {} });
    const backend = aBackend(
      { probeInterval: '5m' },
      { annotations: { 'poolkeeper.dev/probe-requested-at': 'now' } },
    );
    const { step } = planProber(aView({ backend, record }), now);
    assert.deepEqual(step?.type === 'update' && step.changes, { interval: '5m', request: 'now' });
  });

  test('fields in another order are no change', () => {
    const record = aRecord({ status: {} });
    const nfs = { options: [], version: '4.1', exportPath: '/data', server: 'nfs.example' };
    const same = { ...record, spec: { ...record.spec, nfs } as BackendProbe['spec'] };
    assert.equal(planProber(aView({ record: same }), now).step, undefined);
  });
});

describe('the word of the node', () => {
  test('is passed on, and looked at again when it would be too old', () => {
    const plan = planProber(aView({ record: aRecord({ status: {} }) }), now);
    assert.equal(plan.news?.type, 'record');
    // Ten minutes, two intervals and a timeout.
    assert.equal(plan.waitMilliseconds, 12 * minute + 10_000);
  });

  test('that is too old is taken back', () => {
    const record = aRecord({ status: {} });
    const { news } = planProber(aView({ record }), now + 13 * minute);
    assert.equal(news?.type, 'outdated');
  });

  test('about a former task does not count', () => {
    const record = aRecord({ status: { observedGeneration: 0 } });
    assert.equal(planProber(aView({ record }), now).news, undefined);
  });

  test('that does not come is said after a while', () => {
    const record = aRecord();
    assert.equal(planProber(aView({ record }), now + 30_000).news, undefined);
    const { news } = planProber(aView({ record }), now + minute);
    assert.match(news?.type === 'outdated' ? news.message : '', /node-1 is to probe it/);
  });
});

describe('a Secret that has changed', () => {
  const changes = (view: Partial<ProberView>) => {
    const { step } = planProber(aView({ record: aRecord(), ...view }), now);
    return step?.type === 'update' ? step.changes : undefined;
  };

  test('is told to the node, which probes at once', () => {
    assert.equal(changes({ secret: { first: 'a/1', version: 'a/1' } }), undefined);
    assert.deepEqual(changes({ secret: { first: 'a/1', version: 'a/2' } }), {
      credentialsVersion: 'a/2',
    });
  });

  test('is told also when that happened while no operator ran, and not taken back', () => {
    const record = aRecord({ spec: { credentialsVersion: 'a/2' } });
    assert.equal(changes({ record, secret: { first: 'a/2', version: 'a/2' } }), undefined);
    assert.equal(changes({ record, secret: undefined }), undefined);
    assert.deepEqual(changes({ record, secret: { first: 'a/3', version: 'a/3' } }), {
      credentialsVersion: 'a/3',
    });
  });
});
