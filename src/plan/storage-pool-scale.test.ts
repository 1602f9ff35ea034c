// A pool of a thousand nodes: its status stays small enough to be written often, whatever they report.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NodeMount } from '../api/node-mount.ts';
import { type StoragePool, storagePoolSpec, storagePoolStatus } from '../api/storage-pool.ts';
import { planStoragePool } from './storage-pool.ts';
import type { NodeSeen } from './storage-pool-children.ts';
import { nodeMountName, nodeMountSpec } from './storage-pool-children.ts';
import { NO_SOURCES } from './storage-pool-sources.ts';

const NODES = 1000;
const time = '2026-01-01T12:00:00Z';
const names = Array.from({ length: NODES }, (_, index) => `node-${index}`);

const pool = {
  apiVersion: 'poolkeeper.dev/v1alpha1',
  kind: 'StoragePool',
  metadata: {
    name: 'data',
    namespace: 'default',
    uid: 'pool-uid',
    resourceVersion: '1',
    generation: 1,
    creationTimestamp: time,
    finalizers: ['poolkeeper.dev/children'],
  },
  spec: storagePoolSpec.parse({
    type: 'nfs',
    nfs: { server: 'files.example', exportPath: '/export' },
  }),
} as StoragePool;

const nodes = names.map(
  (name): NodeSeen => ({
    name,
    node: { uid: `uid-${name}`, labels: {} },
    hasInventory: true,
    agent: { state: 'ready' },
  }),
);

/** As talkative as a record can be. */
function aFailedMount(name: string): NodeMount {
  const spec = nodeMountSpec({
    pool,
    nodeName: name,
    nodeUid: `uid-${name}`,
    wasActive: false,
    sources: NO_SOURCES,
  });
  const message = `NFS mount failed on ${name}: ${'words '.repeat(200)}${name}`;
  const judgement = { status: 'False', reason: 'MountFailed', message, lastTransitionTime: time };
  const commands = Array.from({ length: 64 }, (_, index) => ({
    command: 'mount -t nfs files.example:/export /mnt',
    state: 'Failed',
    startedAt: `2026-01-01T12:00:${String(index % 60).padStart(2, '0')}Z`,
    exitCode: 32,
    output: 'x'.repeat(4096),
  }));
  return {
    metadata: { name: nodeMountName('data', name), namespace: 'default', uid: name, generation: 1 },
    spec,
    status: {
      phase: 'Failed',
      observedGeneration: 1,
      conditions: ['Ready', 'Mounted'].map((type) => ({ type, ...judgement })),
      ...{ drives: [], wipes: [], leftBehind: [], attempts: 3, history: [], commands },
    },
  } as unknown as NodeMount;
}

test('a thousand nodes are each asked once', () => {
  const { steps } = planStoragePool({ pool, mounts: [], nodes, sources: NO_SOURCES }, 0);
  const asked = steps.flatMap((step) => (step.type === 'createMount' ? [step.spec.nodeName] : []));
  assert.equal(new Set(asked).size, NODES);
});

test('a thousand failures fit into one status, the nodes counted and some of them named', () => {
  const mounts = names.map(aFailedMount);
  const { steps, status } = planStoragePool({ pool, mounts, nodes, sources: NO_SOURCES }, 0);
  assert.deepEqual(steps, []);
  assert.ok(JSON.stringify(status).length < 128 * 1024);
  storagePoolStatus.parse(status);
  assert.equal(status.nodes?.total, NODES);
  assert.equal(status.nodes?.failed.length, 32);
  const ready = status.conditions.find(({ type }) => type === 'Ready');
  assert.match(ready?.message ?? '', /^failed on all 1000 nodes: node-0: .*; and 997 more$/s);
  assert.ok(status.commands.every(({ node }) => node !== undefined));
});
