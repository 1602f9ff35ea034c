// What differs between the types of storage when a pool asks nodes for it. One file per type answers
// these questions; everything else about a pool is the same for all.
import type { NodeMount, NodeMountSpec } from '../api/node-mount.ts';
import type { ConditionType } from '../api/reasons.ts';
import type { StoragePool, StoragePoolSpec } from '../api/storage-pool.ts';
import type { Stall } from './pool-conditions.ts';
import { cephfsBranch } from './storage-pool-cephfs.ts';
import { iscsiBranch } from './storage-pool-iscsi.ts';
import { localBranch } from './storage-pool-local.ts';
import { mdadmBranch } from './storage-pool-mdadm.ts';
import { nfsBranch } from './storage-pool-nfs.ts';
import type { StorageSources } from './storage-pool-sources.ts';

type Without<Spec, Key extends PropertyKey> = Spec extends unknown ? Omit<Spec, Key> : never;

/** The part of a NodeMount's spec that says what to make: its type and that type's member. */
export type MountBranch = Without<
  NodeMountSpec,
  'nodeName' | 'nodeUid' | 'poolRef' | 'mountPath' | 'deletionPolicy' | 'holdsData'
>;

export interface StorageBranch {
  /** The one node that has it; undefined when every node that fits the selector does. */
  nodeName(spec: StoragePoolSpec): string | undefined;
  /** Two nodes that had it at once would destroy it: it moves only when it is let go of for certain. */
  readonly isExclusive?: boolean;
  /** The part of the spec that can't be made, in words; undefined when all of it can. */
  refusal(pool: StoragePool): Stall | undefined;
  /** Undefined while it isn't known yet what to ask for; `waitsFor` then says why. */
  mountBranch(pool: StoragePool, sources: StorageSources): MountBranch | undefined;
  /** Why `mountBranch` has no answer yet. */
  waitsFor?(pool: StoragePool, sources: StorageSources): Stall | undefined;
  /** Fields of the mount's branch that follow the pool's spec while the mount lives. */
  readonly changeable: readonly string[];
  /** The conditions of its mounts that a pool repeats. */
  readonly conditions: readonly ConditionType[];
  /** Somebody's bytes are on it before the pool was ever Active. */
  holdsDataFromTheStart(pool: StoragePool): boolean;
  /** What may still be on a machine that nobody cleaned, by names it can be found with. */
  describeRemains(mount: NodeMount): string;
}

const branches: Readonly<Record<StoragePoolSpec['type'], StorageBranch>> = {
  local: localBranch,
  mdadm: mdadmBranch,
  nfs: nfsBranch,
  cephfs: cephfsBranch,
  iscsi: iscsiBranch,
};

export function branchOf({ type }: { readonly type: StoragePoolSpec['type'] }): StorageBranch {
  return branches[type];
}
