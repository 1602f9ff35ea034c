// Pools with every default that the API server would fill in.
import {
  type InstancePool,
  type InstancePoolStatus,
  instancePoolSpec,
  instancePoolStatus,
} from '../../src/api/instance-pool.ts';
import { childrenFinalizer } from '../../src/api/names.ts';
import type { Scaling } from '../../src/api/scaling.ts';
import {
  type VolumePool,
  type VolumePoolStatus,
  volumePoolSpec,
  volumePoolStatus,
} from '../../src/api/volume-pool.ts';
import { apiVersion, type BuiltMeta, metadataOf } from './metadata.ts';

export const subscriptionId = '11111111-1111-4111-8111-111111111111';
export const resourceGroup = 'poolkeeper';
export const location = 'westeurope';
const group = `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}`;
export const goldenSnapshotId = `${group}/providers/Microsoft.Compute/snapshots/golden-v1`;

export interface PoolOverrides<Status> {
  readonly name?: string;
  readonly metadata?: Partial<BuiltMeta>;
  readonly scaling?: Partial<Scaling>;
  /** Laid over the default spec before it is parsed. */
  readonly spec?: object;
  readonly status?: Partial<Status>;
}

const scaling = { minFree: 2, maxFree: 4, maxTotal: 10 };
const ready = { id: goldenSnapshotId, version: 'golden-v1', phase: 'Ready', sizeGiB: 32 };
const scope = { subscriptionId, resourceGroup, location, zones: [] };

export function aVolumePool(overrides: PoolOverrides<VolumePoolStatus> = {}): VolumePool {
  const { name = 'disks' } = overrides;
  return {
    apiVersion,
    kind: 'VolumePool',
    metadata: metadataOf('VolumePool', name, {
      finalizers: [childrenFinalizer],
      ...overrides.metadata,
    }),
    spec: volumePoolSpec.parse({
      volume: { sizeGiB: 32 },
      goldenSnapshot: { type: 'Existing', existing: { id: goldenSnapshotId } },
      scaling: { ...scaling, ...overrides.scaling },
      ...overrides.spec,
    }),
    status: volumePoolStatus.parse({ scope, goldenSnapshot: ready, ...overrides.status }),
  };
}

export const instanceTemplate = {
  vmSizes: ['Standard_D2s_v5'],
  image: {
    type: 'Marketplace',
    marketplace: {
      publisher: 'Canonical',
      offer: 'ubuntu-24_04-lts',
      sku: 'server',
      version: 'latest',
    },
  },
  subnetId: `${group}/providers/Microsoft.Network/virtualNetworks/pools/subnets/default`,
  sshPublicKeys: [
    'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ7QCUVrGXu1nHqHnEXsJPdXcyrDAWiIWJZ5D3GvD9kN story',
  ],
};

export function anInstancePool(overrides: PoolOverrides<InstancePoolStatus> = {}): InstancePool {
  const { name = 'boxes' } = overrides;
  return {
    apiVersion,
    kind: 'InstancePool',
    metadata: metadataOf('InstancePool', name, {
      finalizers: [childrenFinalizer],
      ...overrides.metadata,
    }),
    spec: instancePoolSpec.parse({
      template: instanceTemplate,
      scaling: { ...scaling, ...overrides.scaling },
      ...overrides.spec,
    }),
    status: instancePoolStatus.parse({ scope, ...overrides.status }),
  };
}
