// What storage pools decide: whom they ask for what, what they say of themselves, when they let go.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { NodeMount, NodeMountStatus } from '../api/node-mount.ts';
import { nodeMountSpec as nodeMountSchema } from '../api/node-mount.ts';
import type { Condition } from '../api/object.ts';
import type { StoragePool, StoragePoolSpec, StoragePoolStatus } from '../api/storage-pool.ts';
import { storagePoolSpec, storagePoolStatus } from '../api/storage-pool.ts';
import { planOrphans, planStoragePool, type StoragePoolStep } from './storage-pool.ts';
import { type NodeSeen, nodeMountName, nodeMountSpec } from './storage-pool-children.ts';
import { NO_SOURCES } from './storage-pool-sources.ts';

const now = Date.UTC(2026, 0, 1, 12);
const time = '2026-01-01T12:00:00Z';

const raid1 = {
  type: 'mdadm',
  mdadm: {
    nodeName: 'node-1',
    level: 1,
    source: { type: 'Devices', devices: [{ serial: 'a', label: 'bay 1' }, { serial: 'b' }] },
  },
};
const export1 = { type: 'nfs', nfs: { server: 'files.example', exportPath: '/export' } };

interface PoolOptions {
  readonly name?: string;
  readonly spec?: object;
  readonly status?: Partial<StoragePoolStatus>;
  readonly deleting?: boolean;
  readonly annotations?: Record<string, string>;
}

function aPool(options: PoolOptions = {}): StoragePool {
  const { name = 'pool1', spec = raid1, status, deleting, annotations } = options;
  return {
    apiVersion: 'poolkeeper.dev/v1alpha1',
    kind: 'StoragePool',
    metadata: {
      name,
      namespace: 'storage',
      uid: 'f2d1c3b4-0000-4000-8000-000000000001',
      resourceVersion: '5',
      generation: 2,
      creationTimestamp: time,
      finalizers: ['poolkeeper.dev/children'],
      ...(deleting ? { deletionTimestamp: time } : {}),
      ...(annotations ? { annotations } : {}),
    },
    spec: storagePoolSpec.parse(spec) as StoragePoolSpec,
    ...(status ? { status: storagePoolStatus.parse(status) } : {}),
  };
}

interface MountOptions {
  readonly node?: string;
  readonly pool?: StoragePool;
  readonly status?: Partial<NodeMountStatus>;
  readonly deleting?: boolean;
  readonly wasActive?: boolean;
}

function aMount(options: MountOptions = {}): NodeMount {
  const { node = 'node-1', pool = aPool(), status, deleting, wasActive = false } = options;
  const spec = nodeMountSpec({
    pool,
    nodeName: node,
    nodeUid: `uid-${node}`,
    wasActive,
    sources: NO_SOURCES,
  });
  return {
    apiVersion: 'poolkeeper.dev/v1alpha1',
    kind: 'NodeMount',
    metadata: {
      name: nodeMountName(pool.metadata.name, node),
      namespace: 'storage',
      uid: `mount-${node}`,
      resourceVersion: '7',
      generation: 1,
      creationTimestamp: time,
      finalizers: ['poolkeeper.dev/resource'],
      ...(deleting ? { deletionTimestamp: time } : {}),
    },
    spec: spec!,
    ...(status
      ? {
          status: {
            observedGeneration: 1,
            conditions: [],
            drives: [],
            wipes: [],
            leftBehind: [],
            attempts: 0,
            history: [],
            commands: [],
            ...status,
          },
        }
      : {}),
  };
}

function aNode(name: string, seen: Partial<NodeSeen> = {}): NodeSeen {
  return {
    name,
    node: { uid: `uid-${name}`, labels: { 'kubernetes.io/hostname': name } },
    hasInventory: true,
    agent: { state: 'ready' },
    ...seen,
  };
}

function condition(type: string, status: Condition['status'], reason: string, message: string) {
  return { type, status, reason, message, lastTransitionTime: time, observedGeneration: 1 };
}

const mounted: Partial<NodeMountStatus> = {
  phase: 'Mounted',
  conditions: [
    condition('Ready', 'True', 'ArrayHealthy', 'Mounted at /pools/pool1.'),
    condition('ArrayHealthy', 'True', 'ArrayHealthy', 'All 2 members are in place.'),
    condition('Mounted', 'True', 'AsExpected', '/dev/md127 is mounted.'),
  ],
  mountPath: '/pools/pool1',
  firstMountedAt: '2026-01-01T11:00:00Z',
  sizeBytes: 1024 ** 4,
  usedBytes: 300 * 1024 ** 3,
  availableBytes: 724 * 1024 ** 3,
};

interface Given {
  readonly pool?: StoragePool;
  readonly mounts?: readonly NodeMount[];
  readonly nodes?: readonly NodeSeen[];
}

function plan({ pool = aPool(), mounts = [], nodes = [aNode('node-1')] }: Given = {}) {
  const { steps, status, waitMilliseconds } = planStoragePool(
    { pool, mounts, nodes, sources: NO_SOURCES },
    now,
  );
  const find = (type: string) => status.conditions.find((one) => one.type === type);
  return { steps, types: steps.map(({ type }) => type), status, find, waitMilliseconds };
}

function isOf<Type extends StoragePoolStep['type']>(type: Type) {
  return (step: StoragePoolStep): step is StoragePoolStep & { type: Type } => step.type === type;
}

describe('asking for mounts', () => {
  test('a new pool holds itself before it asks its node for anything', () => {
    const pool = aPool();
    pool.metadata.finalizers = [];
    const { steps, types, status } = plan({ pool });
    assert.deepEqual(types, ['holdPool', 'createMount']);
    const { name, spec } = steps.find(isOf('createMount'))!;
    assert.equal(name, 'pool1.node-1');
    assert.equal(status.phase, 'Creating');
    assert.equal(status.summary?.node, 'node-1');
    assert.deepEqual(nodeMountSchema.parse(spec), spec, 'the API server would add no default');
    assert.equal(spec.nodeUid, 'uid-node-1');
    assert.equal(spec.holdsData, false);
  });

  test('an adopted array holds data from the first moment', () => {
    const arrayUUID = '1ae21676-b5a5-0bcc-0123-456789abcdef';
    const source = { type: 'Adopt', adopt: { arrayUUID } };
    const pool = aPool({ spec: { type: 'mdadm', mdadm: { ...raid1.mdadm, source } } });
    const { spec } = plan({ pool }).steps.find(isOf('createMount'))!;
    assert.equal(spec.holdsData, true);
    assert.equal(spec.type === 'mdadm' && spec.mdadm.adoptArrayUUID, arrayUUID);
  });

  test('an NFS pool asks every node that matches and has an agent', () => {
    const labels = { disk: 'fast' };
    const nodes = [
      aNode('node-3', { node: { uid: 'uid-node-3', labels } }),
      aNode('node-1', { node: { uid: 'uid-node-1', labels } }),
      aNode('node-2'),
      aNode('node-4', { node: { uid: 'uid-node-4', labels }, hasInventory: false }),
    ];
    const pool = aPool({ spec: { ...export1, nodeSelector: labels } });
    const names = plan({ pool, nodes }).steps.filter(isOf('createMount'));
    assert.deepEqual(
      names.map(({ name }) => name),
      ['pool1.node-1', 'pool1.node-3'],
    );
  });

  test('names of mounts never meet, whatever dots the names of pools and nodes have', () => {
    const names = [
      nodeMountName('a', 'b.c'),
      nodeMountName('a.b', 'c'),
      nodeMountName('a.b.c', 'd'),
      nodeMountName('a.b', 'c.d'),
    ];
    assert.equal(new Set(names).size, names.length);
    const long = nodeMountName('p'.repeat(40), `${'n'.repeat(63)}.${'m'.repeat(189)}`);
    assert.ok(long.length <= 253 && /^[a-z0-9][-a-z0-9.]*[a-z0-9]$/.test(long), long);
  });

  const refused: Record<string, { spec: object; words: string }> = {
    'a directory of the system': {
      spec: { type: 'local', local: { path: '/etc/ssl' } },
      words: 'spec.local.path: /etc/ssl belongs to the operating system',
    },
    'destruction without the name': {
      spec: { ...raid1, deletionPolicy: 'Destroy' },
      words: 'spec.confirmDestroy must be pool1 when spec.deletionPolicy is Destroy',
    },
  };
  for (const [what, { spec, words }] of Object.entries(refused)) {
    test(`what can't be done is refused in words: ${what}`, () => {
      const { types, status, find } = plan({ pool: aPool({ spec }) });
      assert.deepEqual(types, []);
      assert.equal(status.phase, 'Failed');
      assert.equal(find('Stalled')?.status, 'True');
      assert.equal(find('Stalled')?.reason, 'InvalidSpec');
      assert.equal(find('Stalled')?.message, words);
      assert.equal(find('Reconciling'), undefined);
    });
  }

  const missing: Record<string, { given: Given; reason: string }> = {
    'no such node': { given: { nodes: [] }, reason: 'NodeNotFound' },
    'a node without an agent': {
      given: { nodes: [aNode('node-1', { hasInventory: false, agent: { state: 'absent' } })] },
      reason: 'AgentNotReady',
    },
    'no node that matches': {
      given: { pool: aPool({ spec: { ...export1, nodeSelector: { no: 'such' } } }) },
      reason: 'NoMatchingNode',
    },
  };
  for (const [what, { given, reason }] of Object.entries(missing)) {
    test(`a pool waits and says for what: ${what}`, () => {
      const { types, status, find } = plan(given);
      assert.deepEqual(types, []);
      assert.equal(status.phase, 'Pending');
      assert.equal(find('Ready')?.reason, reason);
      assert.equal(find('Stalled')?.reason, reason);
    });
  }

  test("another owner's mount in the way is never taken over", () => {
    const mount = aMount();
    const other: NodeMount = {
      ...mount,
      spec: { ...mount.spec, poolRef: { name: 'pool1', uid: 'former' } },
    };
    const { types, find } = plan({ mounts: [other] });
    assert.deepEqual(types, []);
    assert.match(find('Stalled')!.message, /NodeMount pool1.node-1 belongs to .* uid former/);
  });
});

describe('keeping in step', () => {
  test('a disk that was replaced in the pool is replaced in the mount, and nothing else', () => {
    const mount = aMount({ status: mounted });
    const devices = [{ serial: 'a', label: 'bay 1' }, { serial: 'c' }];
    const source = { type: 'Devices', devices };
    const pool = aPool({ spec: { type: 'mdadm', mdadm: { ...raid1.mdadm, source } } });
    const step = plan({ pool, mounts: [mount] }).steps.find(isOf('updateMount'))!;
    assert.deepEqual(step.changes, { holdsData: true, mdadm: { devices } });
  });

  test('once mounted, the mount is told that it holds data, and the time is kept', () => {
    const { steps, status } = plan({ mounts: [aMount({ status: mounted })] });
    assert.deepEqual(steps.find(isOf('updateMount'))?.changes, { holdsData: true });
    assert.equal(status.activeSince, '2026-01-01T11:00:00Z');
  });

  test('a settled pool is silent', () => {
    const mounts = [aMount({ status: mounted, wasActive: true })];
    const first = plan({ mounts });
    assert.deepEqual(first.types, []);
    const again = plan({ pool: aPool({ status: first.status }), mounts });
    assert.deepEqual(again.status, first.status);
    assert.deepEqual(storagePoolStatus.parse(first.status), first.status);
  });

  test('a pool that was Active before its mount was lost still protects its bytes', () => {
    const pool = aPool({ status: { activeSince: time } });
    assert.equal(plan({ pool }).steps.find(isOf('createMount'))?.spec.holdsData, true);
  });

  test('a node that no longer matches gives its mount back', () => {
    const pool = aPool({ spec: { ...export1, nodeSelector: { disk: 'fast' } } });
    const nodes = [
      aNode('node-1', { node: { uid: 'uid-node-1', labels: { disk: 'fast' } } }),
      aNode('node-2'),
    ];
    const mounts = ['node-1', 'node-2'].map((node) => aMount({ node, pool, status: mounted }));
    const { steps } = plan({ pool, mounts, nodes });
    const deleted = steps.filter(isOf('deleteMount')).map(({ mount }) => mount.metadata.name);
    assert.deepEqual(deleted, ['pool1.node-2']);
  });
});

describe('what a pool says of itself', () => {
  test('everything asked for most often is in the summary', () => {
    const { status, find } = plan({ mounts: [aMount({ status: mounted, wasActive: true })] });
    assert.equal(status.phase, 'Active');
    assert.deepEqual(status.summary, { node: 'node-1', size: '1.0 TiB', used: '30%' });
    assert.equal(status.mountPath, '/pools/pool1');
    assert.equal(find('Ready')?.status, 'True');
    assert.equal(find('ArrayHealthy')?.message, 'All 2 members are in place.');
  });

  test('while it is made, the message has the step and the percentage', () => {
    const message = 'Making the filesystem: The array holds no filesystem yet.';
    const status: Partial<NodeMountStatus> = {
      phase: 'Formatting',
      conditions: [
        condition('Ready', 'False', 'Progressing', message),
        condition('Reconciling', 'True', 'Progressing', message),
      ],
      progress: { step: 'Making the filesystem', percent: 12, message },
    };
    const made = plan({ mounts: [aMount({ status })] });
    assert.equal(made.status.phase, 'Creating');
    assert.equal(made.find('Ready')?.message, `${message} (12 %)`);
    assert.equal(made.find('Reconciling')?.status, 'True');
    assert.equal(made.status.summary?.progress, 'Making the filesystem 12%');
  });

  test('a failure is told as the agent tells it: command, exit code, output', () => {
    const message = '`mdadm --create` failed with exit code 2: Device or resource busy';
    const status: Partial<NodeMountStatus> = {
      phase: 'Failed',
      conditions: [
        condition('Ready', 'False', 'CommandFailed', message),
        condition('Reconciling', 'True', 'CommandFailed', message),
      ],
      commands: [{ command: 'mdadm --create', state: 'Failed', exitCode: 2, startedAt: time }],
    };
    const failed = plan({ mounts: [aMount({ status })] });
    assert.equal(failed.status.phase, 'Failed');
    assert.equal(failed.find('Ready')?.reason, 'CommandFailed');
    assert.equal(failed.find('Ready')?.message, message);
    assert.deepEqual(failed.status.nodes?.failed, [{ name: 'node-1', message }]);
    assert.equal(failed.status.commands[0]?.node, 'node-1');
    assert.equal(failed.find('Stalled'), undefined, 'the agent goes on trying');
  });

  test('a degraded array can be used, and says that it lacks redundancy', () => {
    const message = 'Mounted at /pools/pool1. 1 of 2 members are missing or failed.';
    const status: Partial<NodeMountStatus> = {
      ...mounted,
      phase: 'Degraded',
      conditions: [
        condition('Ready', 'True', 'ArrayDegraded', message),
        condition('ArrayHealthy', 'False', 'ArrayDegraded', 'a member is missing'),
      ],
    };
    const degraded = plan({ mounts: [aMount({ status, wasActive: true })] });
    assert.equal(degraded.status.phase, 'Degraded');
    assert.equal(degraded.find('Ready')?.status, 'True');
    assert.equal(degraded.find('ArrayHealthy')?.status, 'False');
  });

  test('a silent agent makes everything unknown, but the numbers stay', () => {
    const agent = { state: 'silent', lastRenewedAt: '2026-01-01T11:58:03.123456Z' } as const;
    const mounts = [aMount({ status: mounted, wasActive: true })];
    const { status, find } = plan({ mounts, nodes: [aNode('node-1', { agent })] });
    assert.equal(status.phase, 'Unknown');
    assert.equal(find('Ready')?.status, 'Unknown');
    assert.equal(find('Ready')?.reason, 'AgentNotReady');
    assert.match(find('Ready')!.message, /silent since 2026-01-01T11:58:03Z/);
    assert.equal(find('Mounted')?.status, 'Unknown', 'no stale True');
    assert.equal(status.sizeBytes, 1024 ** 4);
  });

  test('a server that does not answer makes the pool unknown: it is not said to be unready', () => {
    const message = 'server:/export has not answered since then.';
    const status: Partial<NodeMountStatus> = {
      ...mounted,
      phase: 'Unknown',
      conditions: [condition('Ready', 'Unknown', 'ServerNotResponding', message)],
    };
    const dead = plan({ mounts: [aMount({ status, wasActive: true })] });
    assert.equal(dead.status.phase, 'Unknown');
    assert.equal(dead.find('Ready')?.status, 'Unknown');
    assert.equal(dead.find('Ready')?.reason, 'ServerNotResponding');
    assert.equal(dead.find('Ready')?.message, message);
    assert.equal(dead.status.sizeBytes, 1024 ** 4, 'the numbers stay');
  });

  test('after a boot a pool waits to be mounted again; it is not created again', () => {
    const pool = aPool({ status: { activeSince: time } });
    const status: Partial<NodeMountStatus> = { ...mounted, phase: 'Preparing', conditions: [] };
    const again = plan({ pool, mounts: [aMount({ status, wasActive: true })] });
    assert.equal(again.status.phase, 'Pending');
  });

  test('several nodes that fail alike are told in one sentence', () => {
    const pool = aPool({ spec: export1 });
    const names = ['node-1', 'node-2', 'node-3'];
    const message = '`mount` failed with exit code 32: access denied';
    const status: Partial<NodeMountStatus> = {
      phase: 'Failed',
      conditions: [condition('Ready', 'False', 'MountFailed', message)],
    };
    const mounts = names.map((node) => aMount({ node, pool, status }));
    const nodes = names.map((name) => aNode(name));
    const all = plan({ pool, mounts, nodes });
    assert.equal(all.status.phase, 'Failed');
    assert.equal(all.find('Ready')?.reason, 'NodesFailed');
    assert.equal(all.find('Ready')?.message, `failed on all 3 nodes: ${message}`);
    assert.equal(all.status.summary?.node, '0/3');
  });

  test('of several nodes the one that failed is named', () => {
    const pool = aPool({ spec: export1 });
    const message = 'access denied';
    const failed: Partial<NodeMountStatus> = {
      phase: 'Failed',
      conditions: [condition('Ready', 'False', 'MountFailed', message)],
    };
    const mounts = [
      aMount({ node: 'node-1', pool, status: mounted }),
      aMount({ node: 'node-2', pool, status: failed }),
    ];
    const some = plan({ pool, mounts, nodes: [aNode('node-1'), aNode('node-2')] });
    assert.equal(some.status.phase, 'Degraded');
    assert.equal(some.find('Ready')?.message, 'failed on 1 of 2 nodes: node-2: access denied');
    assert.deepEqual(some.status.nodes, {
      ready: 1,
      total: 2,
      failed: [{ name: 'node-2', message }],
    });
  });
});

describe('deleting', () => {
  const deleted = aPool({ deleting: true });

  test('the mount is deleted first, then waited for, then let go of, then the pool', () => {
    const asked = plan({ pool: deleted, mounts: [aMount()] });
    assert.deepEqual(asked.types, ['deleteMount']);
    const waits = plan({ pool: deleted, mounts: [aMount({ deleting: true })] });
    assert.deepEqual(waits.types, []);
    assert.equal(waits.status.phase, 'Deleting');
    const released = aMount({ deleting: true, status: { phase: 'Released' } });
    assert.deepEqual(plan({ pool: deleted, mounts: [released] }).types, ['releaseMount']);
    assert.deepEqual(plan({ pool: deleted, mounts: [] }).types, ['releasePool']);
  });

  test('what shall happen to the bytes reaches the mount before the deletion does', () => {
    const spec = { ...raid1, deletionPolicy: 'Destroy', confirmDestroy: 'pool1' };
    const pool = aPool({ spec, deleting: true });
    const { steps, types } = plan({ pool, mounts: [aMount({ status: mounted })] });
    assert.deepEqual(types, ['updateMount']);
    assert.deepEqual(steps.find(isOf('updateMount'))?.changes, {
      deletionPolicy: 'Destroy',
      holdsData: true,
    });
  });

  test('destruction that was not confirmed by name is retention', () => {
    const pool = aPool({ spec: { ...raid1, deletionPolicy: 'Destroy', confirmDestroy: 'other' } });
    const wish = {
      pool,
      nodeName: 'node-1',
      nodeUid: undefined,
      wasActive: true,
      sources: NO_SOURCES,
    };
    assert.equal(nodeMountSpec(wish)?.deletionPolicy, 'Retain');
  });

  test('a mount that is held open says by whom', () => {
    const message = 'Other processes hold the filesystem mounted: postgres (812).';
    const conditions = [condition('CleanedUp', 'False', 'CleanupBlocked', message)];
    const mount = aMount({ deleting: true, status: { phase: 'Unmounting', conditions } });
    const { find } = plan({ pool: deleted, mounts: [mount] });
    assert.equal(find('Deleting')?.reason, 'CleanupBlocked');
    assert.equal(find('Deleting')?.message, `node-1: ${message}`);
    assert.equal(find('Stalled')?.reason, 'CleanupBlocked');
    assert.equal(find('Reconciling'), undefined);
  });

  test('a silent agent is waited for, and the way out is told', () => {
    const nodes = [aNode('node-1', { agent: { state: 'absent' } })];
    const { types, find } = plan({ pool: deleted, mounts: [aMount({ deleting: true })], nodes });
    assert.deepEqual(types, []);
    assert.equal(find('Deleting')?.reason, 'AgentNotReady');
    assert.match(find('Deleting')!.message, /poolkeeper\.dev\/forget-node=node-1/);
  });

  const gone: Record<string, { pool?: PoolOptions; node: Partial<NodeSeen> }> = {
    'the Node is gone': { node: { node: undefined, agent: { state: 'silent' } } },
    'another machine has its name': {
      node: { node: { uid: 'new', labels: {} }, agent: { state: 'silent' } },
    },
    'the annotation names it': {
      pool: { annotations: { 'poolkeeper.dev/forget-node': 'node-9, node-1' } },
      node: { agent: { state: 'silent' } },
    },
  };
  for (const [why, given] of Object.entries(gone)) {
    test(`what is left behind is recorded before the mount is let go of: ${why}`, () => {
      const nodes = [aNode('node-1', given.node)];
      const drives = [{ serial: 'a', state: 'Active' as const }];
      const mount = aMount({ deleting: true, status: { ...mounted, drives }, wasActive: true });
      const first = plan({
        pool: aPool({ deleting: true, ...given.pool }),
        mounts: [mount],
        nodes,
      });
      assert.deepEqual(first.types, []);
      assert.equal(first.status.leftBehind.length, 1);
      assert.match(first.status.leftBehind[0]!, /^node-1: .*disks a/);
      assert.ok(first.waitMilliseconds);
      const pool = aPool({ deleting: true, ...given.pool, status: first.status });
      const second = plan({ pool, mounts: [mount], nodes });
      assert.deepEqual(second.types, ['releaseMount']);
    });
  }

  test('a Node registered anew, whose agent reports, still cleans up itself', () => {
    const nodes = [aNode('node-1', { node: { uid: 'new', labels: {} } })];
    const mounts = [aMount({ deleting: true, status: mounted, wasActive: true })];
    assert.deepEqual(plan({ pool: deleted, mounts, nodes }).types, []);
  });

  test('more nodes than the status can name are all let go of in the end', () => {
    const names = Array.from({ length: 100 }, (_, index) => `node-${index}`);
    const nodes = names.map((name) => aNode(name, { node: undefined, agent: { state: 'absent' } }));
    let pool = aPool({ spec: export1, deleting: true });
    let mounts = names.map((node) => aMount({ node, pool, deleting: true }));
    for (let pass = 0; mounts.length > 0; pass++) {
      assert.ok(pass < 20, 'it comes to an end');
      const { steps, status } = plan({ pool, mounts, nodes });
      const released = new Set(steps.filter(isOf('releaseMount')).map(({ mount }) => mount));
      mounts = mounts.filter((mount) => !released.has(mount));
      pool = aPool({ spec: export1, deleting: true, status });
    }
  });

  test('mounts whose pool is gone are let go of once they are clean', () => {
    const clean = aMount({ deleting: true, status: { phase: 'Released' } });
    const busy = aMount({ deleting: true, status: { phase: 'Unmounting' } });
    const steps = planOrphans([clean, busy, aMount()], [aNode('node-1')]);
    assert.deepEqual(
      steps.map(({ mount }) => mount),
      [clean],
    );
  });
});
