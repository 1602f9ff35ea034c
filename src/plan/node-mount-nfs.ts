// An NFS export on one node: what is asked for, what one look shows, and the next step.
import type { MountIntent, SharedFacts } from './node-mount-facts.ts';
import { planMounting, planUnmounting } from './node-mount-mountpoint.ts';
import { type NodeMountPlan, refuse } from './node-mount-step.ts';

export interface NfsIntent extends MountIntent {
  readonly type: 'nfs';
  readonly server: string;
  readonly exportPath: string;
  readonly version: string;
  readonly mountOptions: readonly string[];
}

export type NfsFacts = SharedFacts;

/** Data is mounted hard: a server that goes away makes its users wait, never lose a write. */
const nfsOptions = ['hard', 'timeo=600', 'retrans=2', 'noresvport', 'retry=0', 'nosuid', 'nodev'];

/** `server:/export`, with IPv6 addresses in brackets. */
export function nfsSource(intent: NfsIntent): string {
  const { server, exportPath } = intent;
  return `${server.includes(':') ? `[${server}]` : server}:${exportPath}`;
}

export function planNfs(intent: NfsIntent, facts: NfsFacts): NodeMountPlan {
  if (facts.missing.length > 0)
    return refuse('PrerequisitesMissing', `The node lacks ${facts.missing.join(', ')}.`);
  const { mountPoint, journal } = facts;
  const mounting = planMounting(
    { intent, mountPoint, journal },
    {
      source: nfsSource(intent),
      filesystem: 'nfs',
      options: [`nfsvers=${intent.version}`, ...nfsOptions, ...intent.mountOptions],
      uuid: undefined,
      hasMarker: false,
      replacesMarker: false,
    },
  );
  return mounting ?? { type: 'settled' };
}

export function planNfsCleanup(intent: NfsIntent, facts: NfsFacts): NodeMountPlan {
  const { mountPoint, journal } = facts;
  const unmounting = planUnmounting({ intent, mountPoint, journal }, true);
  return unmounting ?? { type: 'cleanedUp', kept: undefined };
}
