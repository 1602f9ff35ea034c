// The next step for one NodeMount on its node. Pure: the same facts always give the same plan.

import { planMdadmCleanup, planNfsCleanup } from './node-mount-cleanup.ts';
import type { MdadmFacts, MdadmIntent, NfsFacts, NfsIntent } from './node-mount-facts.ts';
import { planMdadm } from './node-mount-mdadm.ts';
import { planMounting } from './node-mount-mountpoint.ts';
import { type NodeMountPlan, refuse } from './node-mount-step.ts';

interface MdadmSituation {
  readonly intent: MdadmIntent;
  readonly facts: MdadmFacts;
}

interface NfsSituation {
  readonly intent: NfsIntent;
  readonly facts: NfsFacts;
}

/** What a NodeMount asks for, and what its node looks like. */
export type NodeMountSituation = MdadmSituation | NfsSituation;

export function planNodeMount(situation: NodeMountSituation): NodeMountPlan {
  const refusal = situation.intent.isDeleting ? undefined : refusePath(situation.intent);
  if (refusal) return refusal;
  if (isMdadm(situation)) {
    const { intent, facts } = situation;
    return intent.isDeleting ? planMdadmCleanup(intent, facts) : planMdadm(intent, facts);
  }
  const { intent, facts } = situation;
  return intent.isDeleting ? planNfsCleanup(intent, facts) : planNfs(intent, facts);
}

/** A pool must not be able to cover the node's own directories. */
function refusePath({ mountPath, mountRoot }: NodeMountSituation['intent']) {
  const parts = mountPath.split('/');
  const isBelow = mountPath.startsWith(`${mountRoot}/`) && !parts.includes('..');
  if (isBelow) return undefined;
  return refuse('InvalidSpec', `spec.mountPath ${mountPath} must lie below ${mountRoot}.`);
}

function isMdadm(situation: NodeMountSituation): situation is MdadmSituation {
  return situation.intent.type === 'mdadm';
}

/** Data is mounted hard: a server that goes away makes its users wait, never lose a write. */
const nfsOptions = ['hard', 'timeo=600', 'retrans=2', 'noresvport', 'retry=0', 'nosuid', 'nodev'];

/** `server:/export`, with IPv6 addresses in brackets. */
export function nfsSource(intent: NfsIntent): string {
  const { server, exportPath } = intent;
  return `${server.includes(':') ? `[${server}]` : server}:${exportPath}`;
}

function planNfs(intent: NfsIntent, facts: NfsFacts): NodeMountPlan {
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
