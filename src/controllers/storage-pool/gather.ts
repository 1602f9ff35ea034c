// Everything a storage pool's plan is made from, read from the caches.
import type { NodeMount } from '../../api/node-mount.ts';
import type { StoragePool } from '../../api/storage-pool.ts';
import { type Key, keyOfObject } from '../../kube/index.ts';
import type { StoragePoolSnapshot } from '../../plan/storage-pool.ts';
import { branchOf } from '../../plan/storage-pool-branch.ts';
import { type NodeSeen, nodeMountName } from '../../plan/storage-pool-children.ts';
import { OUT_OF_SERVICE } from '../../plan/storage-pool-release.ts';
import type { StorageSources } from '../../plan/storage-pool-sources.ts';
import type { ControllerContext } from '../context.ts';
import { BY_POOL } from '../stores.ts';
import type { Agents } from './agents.ts';

export function gather(
  { stores }: ControllerContext,
  agents: Agents,
  pool: StoragePool,
  sources: StorageSources,
): StoragePoolSnapshot {
  const { namespace, name } = pool.metadata;
  const named = stores.nodeMounts.byIndex(BY_POOL, keyOfObject(pool));
  const nodeName = branchOf(pool.spec).nodeName(pool.spec);
  const wanted =
    nodeName === undefined
      ? stores.storageNodes.list().map(({ metadata }) => metadata.name)
      : [nodeName];
  const standing = wanted.flatMap(
    (node) => stores.nodeMounts.get(namespace, nodeMountName(name, node)) ?? [],
  );
  const mounts = [...new Set([...named, ...standing])];
  const names = new Set([...wanted, ...mounts.map(({ spec }) => spec.nodeName)]);
  const nodes = [...names].map((node) => lookAtNode(stores, agents, node));
  return { pool, mounts, nodes, sources };
}

/** The mounts of a pool that is gone, and their nodes. */
export function gatherOrphans(
  { stores }: ControllerContext,
  agents: Agents,
  key: Key,
): { readonly mounts: readonly NodeMount[]; readonly nodes: readonly NodeSeen[] } {
  const mounts = stores.nodeMounts.byIndex(BY_POOL, key);
  const names = new Set(mounts.map(({ spec }) => spec.nodeName));
  return { mounts, nodes: [...names].map((node) => lookAtNode(stores, agents, node)) };
}

function lookAtNode(stores: ControllerContext['stores'], agents: Agents, name: string): NodeSeen {
  const node = stores.nodes.get(undefined, name);
  return {
    name,
    node: node && {
      uid: node.metadata.uid,
      labels: node.metadata.labels ?? {},
      providerId: node.spec?.providerID,
      isOutOfService: node.spec?.taints?.some(({ key }) => key === OUT_OF_SERVICE) === true,
    },
    hasInventory: stores.storageNodes.get(undefined, name) !== undefined,
    agent: agents.stateOf(name),
  };
}
