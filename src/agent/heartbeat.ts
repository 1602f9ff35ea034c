// The agent's sign of life: a Lease renewed every ten seconds. Whoever reads a status of this node
// can tell from it whether the status is still being kept.
import { leases } from '../api/built-in.ts';
import { isAlreadyExists, isNotFound, type KubeClient } from '../kube/index.ts';
import { formatMicroTime, sleep } from '../runtime/clock.ts';
import { messageOf } from '../runtime/errors.ts';
import type { Runtime } from '../runtime/index.ts';

const RENEW_MILLISECONDS = 10_000;
/** Four missed beats. */
const LEASE_SECONDS = 40;

export interface HeartbeatOptions {
  readonly runtime: Runtime;
  readonly client: KubeClient;
  readonly nodeName: string;
  readonly namespace: string;
}

export function leaseNameOf(nodeName: string): string {
  return `poolkeeper-agent-${nodeName}`;
}

/**
 * Beats until the signal is aborted. A failed beat is logged, and the next is due all the same: it does
 * not wait for one that gets no answer, as a single dead connection must not make a node look dead.
 */
export async function beat(options: HeartbeatOptions, signal: AbortSignal): Promise<void> {
  const { runtime } = options;
  while (!signal.aborted) {
    void renew(options).catch((error) => {
      if (!signal.aborted)
        runtime.log.warn('The heartbeat could not be written.', { error: messageOf(error) });
    });
    await sleep(runtime.clock, RENEW_MILLISECONDS, signal).catch(() => {});
  }
}

async function renew({ runtime, client, nodeName, namespace }: HeartbeatOptions): Promise<void> {
  const name = leaseNameOf(nodeName);
  const renewTime = formatMicroTime(runtime.clock.now());
  try {
    await client.mergePatch(leases, { namespace, name }, { spec: { renewTime } });
  } catch (error) {
    if (!isNotFound(error)) throw error;
    const spec = { holderIdentity: nodeName, leaseDurationSeconds: LEASE_SECONDS, renewTime };
    try {
      await client.create(leases, { metadata: { name, namespace }, spec });
    } catch (createError) {
      if (!isAlreadyExists(createError)) throw createError;
    }
  }
}
