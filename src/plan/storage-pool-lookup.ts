// Lookups in the lists of one snapshot, indexed at the first one: a pool may have thousands of nodes, and
// each of them is looked up several times in every pass.
import type { NodeMount } from '../api/node-mount.ts';
import type { NodeSeen } from './storage-pool-children.ts';

const nodesByName = new WeakMap<readonly NodeSeen[], ReadonlyMap<string, NodeSeen>>();
const mountsByNode = new WeakMap<readonly NodeMount[], ReadonlyMap<string, NodeMount>>();
const mountNames = new WeakMap<readonly NodeMount[], ReadonlySet<string>>();

export function findNode(nodes: readonly NodeSeen[], name: string): NodeSeen | undefined {
  let index = nodesByName.get(nodes);
  if (!index) {
    index = new Map(nodes.map((node) => [node.name, node]));
    nodesByName.set(nodes, index);
  }
  return index.get(name);
}

/** The mount of a list that is on the node; the first, should there be several. */
export function mountOn(mounts: readonly NodeMount[], nodeName: string): NodeMount | undefined {
  let index = mountsByNode.get(mounts);
  if (!index) {
    index = new Map(mounts.map((mount) => [mount.spec.nodeName, mount] as const).reverse());
    mountsByNode.set(mounts, index);
  }
  return index.get(nodeName);
}

export function isMountNamed(mounts: readonly NodeMount[], name: string): boolean {
  let index = mountNames.get(mounts);
  if (!index) {
    index = new Set(mounts.map(({ metadata }) => metadata.name));
    mountNames.set(mounts, index);
  }
  return index.has(name);
}
