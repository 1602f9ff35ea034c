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

export function gatherProber(stores: Stores, agents: Agents, view: BackendView): ProberView {
  const { backend } = view;
  const { namespace, name } = backend.metadata;
  const { spec } = backend;
  const named = 'nodeName' in spec ? spec.nodeName : undefined;
  const record: BackendProbe | undefined = stores.backendProbes.get(namespace, name);
  const readyNodes = stores.nodes
    .list()
    .map(({ metadata }) => metadata.name)
    .filter((node) => agents.stateOf(node).state === 'ready');
  return {
    backend,
    record,
    readyNodes,
    isNamedNodeKnown: named !== undefined && stores.nodes.get(undefined, named) !== undefined,
    isWanted: !probableOf(backend, view).isIdle,
  };
}
