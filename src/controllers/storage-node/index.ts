// StorageNode: the inventory of a machine that is no node any more goes with it. Kept while its agent
// still speaks, while mounts of it wait to be let go, and for some minutes more, as a node that is
// registered anew is the same machine.
import type { NodeMount } from '../../api/node-mount.ts';
import type { AnyObject, DeepReadonly } from '../../api/object.ts';
import { storageNodes } from '../../api/resources.ts';
import {
  isConflict,
  isNotFound,
  type Reconcile,
  type WorkQueue,
  watchAndEnqueue,
} from '../../kube/index.ts';
import type { ControllerContext, Sources } from '../context.ts';
import type { Agents } from '../storage-pool/index.ts';
import { BY_NODE } from '../stores.ts';
import { watchedNamespaces } from '../watched-namespaces.ts';

const KEPT_MILLISECONDS = 5 * 60_000;

export function reconcileStorageNode(context: ControllerContext, agents: Agents): Reconcile {
  const { stores, client, runtime } = context;
  const seesEverything = watchedNamespaces(context) === undefined;
  /** When a node was first found missing, on this process's own clock. */
  const missingSince = new Map<string, number>();
  return async (name, _signal, log) => {
    const inventory = stores.storageNodes.get(undefined, name);
    const isKept =
      inventory === undefined ||
      stores.nodes.get(undefined, name) !== undefined ||
      agents.stateOf(name).state === 'ready' ||
      // Among several operators it is for the one whose agent it was.
      (!seesEverything && agents.stateOf(name).state === 'absent') ||
      stores.nodeMounts.byIndex(BY_NODE, name).length > 0;
    if (isKept) {
      missingSince.delete(name);
      return { type: 'done' };
    }
    const now = runtime.clock.monotonic();
    const since = missingSince.get(name) ?? now;
    missingSince.set(name, since);
    const afterMilliseconds = since + KEPT_MILLISECONDS - now;
    if (afterMilliseconds > 0)
      return { type: 'wait', afterMilliseconds, why: 'the node may come back' };
    log.info('the node is gone for good: its inventory goes too', { node: name });
    const { uid, resourceVersion } = inventory.metadata;
    await client.delete(storageNodes, { name }, { uid, resourceVersion }).catch((error) => {
      if (!isConflict(error) && !isNotFound(error)) throw error;
    });
    return { type: 'done' };
  };
}

/** Returns the function that ends it. */
export function watchStorageNodes(sources: Sources, agents: Agents, queue: WorkQueue): () => void {
  const named = ({ metadata }: DeepReadonly<AnyObject>): string[] => [metadata.name];
  const ends = [
    watchAndEnqueue(sources.storageNodes, queue, named, { updatesWhen: () => false }),
    watchAndEnqueue(sources.nodes, queue, named, { updatesWhen: () => false }),
    watchAndEnqueue(
      sources.nodeMounts,
      queue,
      ({ spec }: DeepReadonly<NodeMount>) => [spec.nodeName],
      {
        updatesWhen: () => false,
      },
    ),
    agents.subscribe((nodeName) => queue.add(nodeName)),
  ];
  return () => {
    for (const end of ends) end();
  };
}
