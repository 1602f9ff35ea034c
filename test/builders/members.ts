// Members of pools, free unless told otherwise, and the claims that own them.
import {
  type InstanceClaim,
  type InstanceClaimStatus,
  instanceClaimSpec,
  instanceClaimStatus,
} from '../../src/api/instance-claim.ts';
import { releaseFinalizer, resourceFinalizer } from '../../src/api/names.ts';
import {
  type PoolInstance,
  type PoolInstanceSpec,
  type PoolInstanceStatus,
  poolInstanceSpec,
  poolInstanceStatus,
} from '../../src/api/pool-instance.ts';
import {
  type PoolVolume,
  type PoolVolumeSpec,
  type PoolVolumeStatus,
  poolVolumeSpec,
  poolVolumeStatus,
} from '../../src/api/pool-volume.ts';
import type { ClaimReference } from '../../src/api/status.ts';
import { computeResourceId } from '../../src/azure/port.ts';
import { cloudName } from '../../src/plan/names.ts';
import { apiVersion, type BuiltMeta, metadataOf, timeAt, uidOf } from './metadata.ts';
import { goldenSnapshotId, location, resourceGroup, subscriptionId } from './pools.ts';

interface MemberOverrides<Spec, Status> {
  readonly pool?: string;
  readonly ordinal?: number;
  readonly zone?: string;
  readonly metadata?: Partial<BuiltMeta>;
  readonly spec?: Partial<Spec>;
  /** Null for a member whose status nobody has written yet. */
  readonly status?: Partial<Status> | null;
}

export type VolumeOverrides = MemberOverrides<PoolVolumeSpec, PoolVolumeStatus>;
export type InstanceOverrides = MemberOverrides<PoolInstanceSpec, PoolInstanceStatus>;

const scope = { subscriptionId, resourceGroup, location };

function azureOf(zone: string | undefined) {
  return { ...scope, ...(zone === undefined ? {} : { zone }) };
}

export function aPoolVolume(overrides: VolumeOverrides = {}): PoolVolume {
  const { pool = 'disks', ordinal = 0, zone, status = {} } = overrides;
  const metadata = metadataOf('PoolVolume', `${pool}-${ordinal}`, {
    finalizers: [resourceFinalizer],
    ...overrides.metadata,
  });
  const name = cloudName('volume', metadata.uid);
  const azure = { name, resourceId: computeResourceId(scope, 'disks', name) };
  return {
    apiVersion,
    kind: 'PoolVolume',
    metadata,
    spec: poolVolumeSpec.parse({
      poolRef: { name: pool, uid: uidOf('VolumePool', pool) },
      ordinal,
      azure: azureOf(zone),
      sizeGiB: 32,
      sku: 'Premium_LRS',
      source: { snapshotId: goldenSnapshotId, version: 'golden-v1' },
      ...overrides.spec,
    }),
    ...(status && {
      status: poolVolumeStatus.parse({ phase: 'Free', freeSince: timeAt(0), azure, ...status }),
    }),
  };
}

export function aPoolInstance(overrides: InstanceOverrides = {}): PoolInstance {
  const { pool = 'boxes', ordinal = 0, zone, status = {} } = overrides;
  const metadata = metadataOf('PoolInstance', `${pool}-${ordinal}`, {
    finalizers: [resourceFinalizer],
    ...overrides.metadata,
  });
  const name = cloudName('instance', metadata.uid);
  const resourceId = computeResourceId(scope, 'virtualMachines', name);
  return {
    apiVersion,
    kind: 'PoolInstance',
    metadata,
    spec: poolInstanceSpec.parse({
      poolRef: { name: pool, uid: uidOf('InstancePool', pool) },
      ordinal,
      azure: azureOf(zone),
      templateRevision: 'one',
      vmSize: 'Standard_D2s_v5',
      ...overrides.spec,
    }),
    ...(status && {
      status: poolInstanceStatus.parse({
        phase: 'Free',
        freeSince: timeAt(0),
        azure: { name, resourceId, powerState: 'running', privateAddress: '10.0.0.4' },
        ...status,
      }),
    }),
  };
}

export interface ClaimOverrides {
  readonly name?: string;
  readonly pool?: string;
  /** The pool that a fresh volume comes from. */
  readonly volumePool?: string;
  readonly metadata?: Partial<BuiltMeta>;
  readonly spec?: object;
  readonly status?: Partial<InstanceClaimStatus>;
}

export function anInstanceClaim(overrides: ClaimOverrides = {}): InstanceClaim {
  const { name = 'claim', pool = 'boxes', volumePool, status } = overrides;
  const volume = volumePool && { type: 'New', new: { poolRef: { name: volumePool } } };
  return {
    apiVersion,
    kind: 'InstanceClaim',
    metadata: metadataOf('InstanceClaim', name, overrides.metadata),
    spec: instanceClaimSpec.parse({
      instancePoolRef: { name: pool },
      ...(volume ? { volume } : {}),
      ...overrides.spec,
    }),
    ...(status ? { status: instanceClaimStatus.parse(status) } : {}),
  };
}

/** The finalizer with which a claim waits for what it owns. */
export const held = { finalizers: [releaseFinalizer] };

export function claimRefTo({ metadata: { namespace, name, uid } }: InstanceClaim): ClaimReference {
  return { namespace, name, uid };
}

export function referenceTo({ metadata: { name, uid } }: PoolInstance | PoolVolume) {
  return { name, uid };
}
