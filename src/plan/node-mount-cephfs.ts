// A Ceph filesystem on one node, mounted by the kernel: what is asked for, and the next step.
import type { MountIntent } from './node-mount-facts.ts';
import { type NetworkFacts, planNetworkCleanup, planNetworkMount } from './node-mount-network.ts';
import type { NodeMountPlan } from './node-mount-step.ts';

export interface CephfsIntent extends MountIntent {
  readonly type: 'cephfs';
  readonly monitors: readonly string[];
  readonly filesystemName: string;
  readonly path: string;
  readonly user: string;
  readonly hasCredentials: boolean;
  readonly credentialsVersion?: string | undefined;
  readonly mountOptions: readonly string[];
}

export type CephfsFacts = NetworkFacts;

const MESSENGER_2_PORT = 3300;
const MESSENGER_1_PORT = 6789;

/** `10.0.0.1:3300,10.0.0.2:3300:/path`; a monitor without a port is asked at the newer one. */
export function cephSource({ monitors, path }: Pick<CephfsIntent, 'monitors' | 'path'>): string {
  return `${monitors.map(withPort).join(',')}:${path}`;
}

function withPort(monitor: string): string {
  return /^([^:]+|\[.*\]):[0-9]+$/.test(monitor) ? monitor : `${monitor}:${MESSENGER_2_PORT}`;
}

/**
 * After the cluster threw this client out (a network gone for minutes) the kernel would answer every
 * access with an error until somebody unmounts; `recover_session=clean` lets it come back.
 */
export function planCephfs(intent: CephfsIntent, facts: CephfsFacts): NodeMountPlan {
  const isLegacy = intent.monitors.every((one) => one.endsWith(`:${MESSENGER_1_PORT}`));
  const options = [
    `name=${intent.user}`,
    `fs=${intent.filesystemName}`,
    `ms_mode=${isLegacy ? 'legacy' : 'prefer-crc'}`,
    'recover_session=clean',
    '_netdev',
    ...intent.mountOptions,
  ];
  return planNetworkMount(
    { intent, facts },
    {
      source: cephSource(intent),
      filesystem: 'ceph',
      options,
      credentialsVersion: intent.credentialsVersion,
      needsKey: intent.hasCredentials,
    },
  );
}

export function planCephfsCleanup(intent: CephfsIntent, facts: CephfsFacts): NodeMountPlan {
  return planNetworkCleanup({ intent, facts });
}
