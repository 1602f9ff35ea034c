// StorageNode: an inventory whose agent has fallen silent says so, in place of the agent that can't.
//
// The inventory of a machine that is no node any more goes with it. Kept while its agent
// still speaks, while mounts of it wait to be let go, and for some minutes more, as a node that is
// registered anew is the same machine.

import { setCondition } from '../../api/conditions.ts';
import type { NodeMount } from '../../api/node-mount.ts';
import type { AnyObject, DeepReadonly } from '../../api/object.ts';
import { storageNodes } from '../../api/resources.ts';
import type { StorageNode } from '../../api/storage-node.ts';
import {
  isConflict,
  isNotFound,
  type KubeClient,
  locked,
  type Reconcile,
  statusPatch,
  type WorkQueue,
  watchAndEnqueue,
} from '../../kube/index.ts';
import { formatTime } from '../../runtime/clock.ts';
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
    const agent = agents.stateOf(name);
    if (inventory && agent.state === 'silent')
      await saySilent(client, inventory, {
        now: formatTime(runtime.clock.now()),
        since: agent.lastRenewedAt,
      });
    const isKept =
      inventory === undefined ||
      stores.nodes.get(undefined, name) !== undefined ||
      agent.state === 'ready' ||
      // Among several operators it is for the one whose agent it was.
      (!seesEverything && agent.state === 'absent') ||
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
    await client.delete(storageNodes, { name }, { uid, resourceVersion }).catch(unlessChanged);
    return { type: 'done' };
  };
}

function unlessChanged(error: unknown): void {
  if (!isConflict(error) && !isNotFound(error)) throw error;
}

/** Nobody else writes it now; an agent that comes back overwrites this with what it sees. */
async function saySilent(
  client: KubeClient,
  inventory: DeepReadonly<StorageNode>,
  { now, since }: { readonly now: string; readonly since: string | undefined },
): Promise<void> {
  const { name, generation } = inventory.metadata;
  const when = since === undefined ? '' : ` since ${since.slice(0, 19)}Z`;
  const conditions = setCondition(
    inventory.status?.conditions,
    {
      type: 'Ready',
      status: 'Unknown',
      reason: 'AgentNotReady',
      message: `The agent of ${name} is silent${when}: what is shown may be old.`,
      observedGeneration: generation,
    },
    now,
  );
  const patch = statusPatch(inventory, { ...inventory.status, conditions });
  if (!patch) return;
  await client
    .mergePatch(storageNodes, { name }, locked(inventory, patch), { subresource: 'status' })
    .catch(unlessChanged);
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
