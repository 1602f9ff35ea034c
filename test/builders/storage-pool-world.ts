import type { NodeMount, NodeMountStatus } from '../../src/api/node-mount.ts';
import type { Condition } from '../../src/api/object.ts';
import type {
  StoragePool,
  StoragePoolSpec,
  StoragePoolStatus,
} from '../../src/api/storage-pool.ts';
import { storagePoolSpec, storagePoolStatus } from '../../src/api/storage-pool.ts';
import { planStoragePool, type StoragePoolStep } from '../../src/plan/storage-pool.ts';
import {
  type NodeSeen,
  nodeMountName,
  nodeMountSpec,
} from '../../src/plan/storage-pool-children.ts';
import { NO_SOURCES } from '../../src/plan/storage-pool-sources.ts';

export const now = Date.UTC(2026, 0, 1, 12);
export const time = '2026-01-01T12:00:00Z';

export const raid1 = {
  type: 'mdadm',
  mdadm: {
    nodeName: 'node-1',
    level: 1,
    source: { type: 'Devices', devices: [{ serial: 'a', label: 'bay 1' }, { serial: 'b' }] },
  },
};
export const export1 = { type: 'nfs', nfs: { server: 'files.example', exportPath: '/export' } };

export interface PoolOptions {
  readonly name?: string;
  readonly spec?: object;
  readonly status?: Partial<StoragePoolStatus>;
  readonly deleting?: boolean;
  readonly annotations?: Record<string, string>;
}

export function aPool(options: PoolOptions = {}): StoragePool {
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

export interface MountOptions {
  readonly node?: string;
  readonly pool?: StoragePool;
  readonly status?: Partial<NodeMountStatus>;
  readonly deleting?: boolean;
  readonly wasActive?: boolean;
}

export function aMount(options: MountOptions = {}): NodeMount {
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

export function aNode(name: string, seen: Partial<NodeSeen> = {}): NodeSeen {
  return {
    name,
    node: { uid: `uid-${name}`, labels: { 'kubernetes.io/hostname': name } },
    hasInventory: true,
    agent: { state: 'ready' },
    ...seen,
  };
}

export function condition(
  type: string,
  status: Condition['status'],
  reason: string,
  message: string,
) {
  return { type, status, reason, message, lastTransitionTime: time, observedGeneration: 1 };
}

export const mounted: Partial<NodeMountStatus> = {
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

export interface Given {
  readonly pool?: StoragePool;
  readonly mounts?: readonly NodeMount[];
  readonly nodes?: readonly NodeSeen[];
}

export function plan({ pool = aPool(), mounts = [], nodes = [aNode('node-1')] }: Given = {}) {
  const { steps, status, waitMilliseconds } = planStoragePool(
    { pool, mounts, nodes, sources: NO_SOURCES },
    now,
  );
  const find = (type: string) => status.conditions.find((one) => one.type === type);
  return { steps, types: steps.map(({ type }) => type), status, find, waitMilliseconds };
}

export function isOf<Type extends StoragePoolStep['type']>(type: Type) {
  return (step: StoragePoolStep): step is StoragePoolStep & { type: Type } => step.type === type;
}
