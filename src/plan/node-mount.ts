// The next step for one NodeMount on its node. Pure: the same facts always give the same plan.
import {
  type CephfsFacts,
  type CephfsIntent,
  planCephfs,
  planCephfsCleanup,
} from './node-mount-cephfs.ts';
import { planIscsi } from './node-mount-iscsi.ts';
import { planIscsiCleanup } from './node-mount-iscsi-cleanup.ts';
import type { IscsiFacts, IscsiIntent } from './node-mount-iscsi-facts.ts';
import {
  type LocalFacts,
  type LocalIntent,
  planLocal,
  planLocalCleanup,
} from './node-mount-local.ts';
import { planMdadm } from './node-mount-mdadm.ts';
import { planMdadmCleanup } from './node-mount-mdadm-cleanup.ts';
import type { MdadmFacts, MdadmIntent } from './node-mount-mdadm-facts.ts';
import { type NfsFacts, type NfsIntent, planNfs, planNfsCleanup } from './node-mount-nfs.ts';
import { type NodeMountPlan, refuse } from './node-mount-step.ts';

/** What a NodeMount asks for, and what its node looks like. */
export type NodeMountSituation =
  | { readonly type: 'local'; readonly intent: LocalIntent; readonly facts: LocalFacts }
  | { readonly type: 'mdadm'; readonly intent: MdadmIntent; readonly facts: MdadmFacts }
  | { readonly type: 'nfs'; readonly intent: NfsIntent; readonly facts: NfsFacts }
  | { readonly type: 'cephfs'; readonly intent: CephfsIntent; readonly facts: CephfsFacts }
  | { readonly type: 'iscsi'; readonly intent: IscsiIntent; readonly facts: IscsiFacts };

export type NodeMountIntent = NodeMountSituation['intent'];

export function planNodeMount(situation: NodeMountSituation): NodeMountPlan {
  const refusal = situation.intent.isDeleting ? undefined : refusePath(situation.intent);
  return (
    refusal ?? (situation.intent.isDeleting ? planCleanup(situation) : planPresence(situation))
  );
}

function planPresence(situation: NodeMountSituation): NodeMountPlan {
  switch (situation.type) {
    case 'mdadm':
      return planMdadm(situation.intent, situation.facts);
    case 'nfs':
      return planNfs(situation.intent, situation.facts);
    case 'local':
      return planLocal(situation.intent, situation.facts);
    case 'cephfs':
      return planCephfs(situation.intent, situation.facts);
    case 'iscsi':
      return planIscsi(situation.intent, situation.facts);
  }
}

function planCleanup(situation: NodeMountSituation): NodeMountPlan {
  switch (situation.type) {
    case 'mdadm':
      return planMdadmCleanup(situation.intent, situation.facts);
    case 'nfs':
      return planNfsCleanup(situation.intent, situation.facts);
    case 'local':
      return planLocalCleanup();
    case 'cephfs':
      return planCephfsCleanup(situation.intent, situation.facts);
    case 'iscsi':
      return planIscsiCleanup(situation.intent, situation.facts);
  }
}

/** A pool must not be able to cover the node's own directories. */
function refusePath(intent: NodeMountIntent): NodeMountPlan | undefined {
  const { type, mountPath, mountRoot, pathTakenBy } = intent;
  // A local directory is where it is; nothing is mounted over it.
  if (type === 'local') return undefined;
  const parts = mountPath.split('/');
  const isBelow = mountPath.startsWith(`${mountRoot}/`) && !parts.includes('..');
  if (!isBelow)
    return refuse('InvalidSpec', `spec.mountPath ${mountPath} must lie below ${mountRoot}.`);
  if (pathTakenBy === undefined) return undefined;
  const why =
    `The path ${mountPath} belongs to ${pathTakenBy}, which is mounted there or is to be; make ` +
    'this pool anew with another spec.mountPath.';
  return refuse('MountPathInUse', why);
}
