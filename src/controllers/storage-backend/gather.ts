// What the plan of a storage backend is made from, read from the caches.
import type { BackendProbe } from '../../api/backend-probe.ts';
import type { StorageBackend } from '../../api/storage-backend.ts';
import { keyOfObject } from '../../kube/index.ts';
import { type BackendView, probableOf } from '../../plan/storage-backend.ts';
import type { ProberView } from '../../plan/storage-backend-prober.ts';
import { usersOfBackend } from '../../plan/storage-backend-users.ts';
import type { ControllerContext } from '../context.ts';
import type { Agents } from '../storage-pool/index.ts';
import { BY_BACKEND } from '../stores.ts';

type Stores = ControllerContext['stores'];

export function gatherBackend(stores: Stores, backend: StorageBackend): BackendView {
  const pools = stores.storagePools.byIndex(BY_BACKEND, keyOfObject(backend));
  const names = usersOfBackend(backend, pools);
  const mounted = pools.find(({ status }) => status?.mountPath !== undefined);
  return {
    backend,
    users: names.map((name) => `StoragePool ${name}`),
    mountPath: mounted?.status?.mountPath,
  };
}

/** What a node needs for a trial mount, in the words of its inventory. */
const NEEDED: Readonly<Record<string, readonly string[]>> = {
  nfs: ['mount.nfs', 'kernel module nfs'],
  cephfs: ['mount.ceph', 'kernel module ceph'],
};

function isEquipped(stores: Stores, node: string, type: string): boolean {
  const present = stores.storageNodes.get(undefined, node)?.status?.prerequisites ?? [];
  return (NEEDED[type] ?? []).every((needed) =>
    present.some(({ name, present: isThere }) => isThere && name === needed),
  );
}

export function gatherProber(stores: Stores, agents: Agents, view: BackendView): ProberView {
  const { backend } = view;
  const { namespace, name } = backend.metadata;
  const { spec } = backend;
  const named = 'nodeName' in spec ? spec.nodeName : undefined;
  const record: BackendProbe | undefined = stores.backendProbes.get(namespace, name);
  const ready = stores.nodes
    .list()
    .map(({ metadata }) => metadata.name)
    .filter((node) => agents.stateOf(node).state === 'ready');
  const equipped = ready.filter((node) => isEquipped(stores, node, spec.type));
  return {
    backend,
    record,
    // A node that lacks the programs is better than none: then the backend says what to install.
    readyNodes: named === undefined && equipped.length > 0 ? equipped : ready,
    isNamedNodeKnown: named !== undefined && stores.nodes.get(undefined, named) !== undefined,
    isWanted: !probableOf(backend, view).isIdle,
  };
}
