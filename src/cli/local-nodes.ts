// The Nodes of the local environment, with what a kubelet would say of each: nothing runs on them but
// an agent, and `kubectl get nodes` shows them in order all the same.
import { nodes } from '../api/built-in.ts';
import type { KubeClient } from '../kube/index.ts';
import { kubernetesVersion } from '../local/kubernetes/index.ts';
import { type Clock, formatTime } from '../runtime/clock.ts';
import { createIfAbsent } from './examples.ts';

/**
 * After a restart with a data directory they are there already. `providerIds`, by the name of the node, say
 * which VM of the cloud each of them is.
 */
export async function createNodes(
  client: KubeClient,
  providerIds: ReadonlyMap<string, string>,
  clock: Clock,
): Promise<void> {
  for (const [index, [name, providerID]] of [...providerIds].entries()) {
    const labels = { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux' };
    await createIfAbsent(client, nodes, {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name, labels },
    });
    await client.mergePatch(nodes, { name }, { spec: { providerID } });
    const status = nodeStatus(index, formatTime(clock.now()));
    await client.mergePatch(nodes, { name }, { status }, { subresource: 'status' });
  }
}

function nodeStatus(index: number, now: string): object {
  const condition = {
    type: 'Ready',
    status: 'True',
    reason: 'KubeletReady',
    message: 'the simulated node is ready',
    lastHeartbeatTime: now,
    lastTransitionTime: now,
  };
  return {
    conditions: [condition],
    addresses: [{ type: 'InternalIP', address: `10.1.0.${index + 4}` }],
    nodeInfo: {
      kubeletVersion: kubernetesVersion,
      osImage: 'simulated',
      kernelVersion: 'simulated',
      containerRuntimeVersion: 'simulated',
      operatingSystem: 'linux',
      architecture: 'amd64',
    },
  };
}
