// An agent that can't even start says so where its node's disks would be shown: it sends no heartbeat,
// and its log is read last.
import { setCondition } from '../../api/conditions.ts';
import { storageNodes } from '../../api/resources.ts';
import type { StorageNode } from '../../api/storage-node.ts';
import { isAlreadyExists, type KubeClient, statusPatch } from '../../kube/index.ts';
import { formatTime } from '../../runtime/clock.ts';
import { messageOf } from '../../runtime/errors.ts';
import type { Runtime } from '../../runtime/index.ts';

export interface StartFailureOptions {
  readonly runtime: Runtime;
  readonly client: KubeClient;
  readonly nodeName: string;
  readonly root: string;
}

/** Resolves once it is written; writes nothing when it says that already. */
export async function publishStartFailure(
  { runtime, client, nodeName, root }: StartFailureOptions,
  error: unknown,
): Promise<void> {
  const present = await ensureStorageNode(client, nodeName);
  const message =
    `The agent can't start, and does nothing: its journal below ${root} can't be read or written: ` +
    `${messageOf(error)}. It is tried again every few seconds.`;
  const conditions = setCondition(
    present.status?.conditions,
    {
      type: 'Ready',
      status: 'False',
      reason: 'JournalUnavailable',
      message,
      observedGeneration: present.metadata.generation,
    },
    formatTime(runtime.clock.now()),
  );
  const patch = statusPatch(present, { ...present.status, conditions });
  if (patch)
    await client.mergePatch(storageNodes, { name: nodeName }, patch, { subresource: 'status' });
}

/** The object as it is now, made when there was none. */
export async function ensureStorageNode(
  client: KubeClient,
  nodeName: string,
): Promise<StorageNode> {
  const present = await client.get(storageNodes, { name: nodeName });
  if (present) return present;
  try {
    return await client.create(storageNodes, { metadata: { name: nodeName }, spec: {} });
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    return (await client.get(storageNodes, { name: nodeName }))!;
  }
}
