// An NFS export on one node: what is asked for, and the next step.
import type { MountIntent } from './node-mount-facts.ts';
import { type NetworkFacts, planNetworkCleanup, planNetworkMount } from './node-mount-network.ts';
import type { NodeMountPlan } from './node-mount-step.ts';

export interface NfsIntent extends MountIntent {
  readonly type: 'nfs';
  readonly server: string;
  readonly exportPath: string;
  readonly version: string;
  readonly mountOptions: readonly string[];
}

export type NfsFacts = NetworkFacts;

/**
 * Data is mounted hard: a server that goes away makes its users wait, never lose a write. A failed
 * attempt ends at once instead of being repeated by mount for two minutes. The port stays a reserved
 * one, because servers refuse others unless told not to; `noresvport` is one of the options to set.
 */
const usual = ['hard', 'timeo=600', 'retrans=2', 'retry=0'];

/** `server:/export`, with IPv6 addresses in brackets. */
export function nfsSource({
  server,
  exportPath,
}: Pick<NfsIntent, 'server' | 'exportPath'>): string {
  return `${server.includes(':') ? `[${server}]` : server}:${exportPath}`;
}

export function planNfs(intent: NfsIntent, facts: NfsFacts): NodeMountPlan {
  const options = [`nfsvers=${intent.version}`, ...usual, ...intent.mountOptions];
  const wish = { source: nfsSource(intent), filesystem: 'nfs', options } as const;
  return planNetworkMount({ intent, facts }, wish);
}

export function planNfsCleanup(intent: NfsIntent, facts: NfsFacts): NodeMountPlan {
  return planNetworkCleanup({ intent, facts });
}
