// The fixed names by which objects of ours are labelled, annotated and held.
import { apiGroup } from './resources.ts';

/** Held by every child object until the cloud or the node shows nothing left of it. */
export const resourceFinalizer = `${apiGroup}/resource`;
/** Held by an InstanceClaim until its instance and volume are released. */
export const releaseFinalizer = `${apiGroup}/release`;
/** Held by pools and backends until their children are gone or let go. */
export const childrenFinalizer = `${apiGroup}/children`;
/** Held by a VolumePool that builds golden snapshots, until nothing of that is left in Azure. */
export const snapshotFinalizer = `${apiGroup}/golden-snapshot`;

export const labels = {
  /** On a child: the name of the pool it belongs to. */
  pool: `${apiGroup}/pool`,
  /** On a child: the kind of that pool. */
  poolKind: `${apiGroup}/pool-kind`,
  /** On a PersistentVolume, which can't have an owner in a namespace: whose it is. */
  poolNamespace: `${apiGroup}/pool-namespace`,
  poolUid: `${apiGroup}/pool-uid`,
  /** On a NodeMount: its node. */
  node: `${apiGroup}/node`,
  /** On a bound child: the name of the claim. For people and selectors; the spec is what counts. */
  claim: `${apiGroup}/claim`,
} as const;

export const annotations = {
  /** On a StorageBackend: any new value probes at once. */
  probeRequestedAt: `${apiGroup}/probe-requested-at`,
  /** On a StoragePool of type mdadm: any new value compares all copies and parities now. */
  scrubRequestedAt: `${apiGroup}/scrub-requested-at`,
  /** On an InstanceClaim applied again after its object was lost: the uid it had before. */
  recoverUid: `${apiGroup}/recover-uid`,
  /** On a StoragePool whose node is gone for good: lets the pool go without cleaning that node. */
  forgetNode: `${apiGroup}/forget-node`,
} as const;
