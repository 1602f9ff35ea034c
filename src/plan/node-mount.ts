// The next step for one NodeMount on its node. Pure: the same facts always give the same plan.
import { planMdadm } from './node-mount-mdadm.ts';
import { planMdadmCleanup } from './node-mount-mdadm-cleanup.ts';
import type { MdadmFacts, MdadmIntent } from './node-mount-mdadm-facts.ts';
import { type NfsFacts, type NfsIntent, planNfs, planNfsCleanup } from './node-mount-nfs.ts';
import { type NodeMountPlan, refuse } from './node-mount-step.ts';

/** What a NodeMount asks for, and what its node looks like. */
export type NodeMountSituation =
  | { readonly type: 'mdadm'; readonly intent: MdadmIntent; readonly facts: MdadmFacts }
  | { readonly type: 'nfs'; readonly intent: NfsIntent; readonly facts: NfsFacts };

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
  }
}

function planCleanup(situation: NodeMountSituation): NodeMountPlan {
  switch (situation.type) {
    case 'mdadm':
      return planMdadmCleanup(situation.intent, situation.facts);
    case 'nfs':
      return planNfsCleanup(situation.intent, situation.facts);
  }
}

/** A pool must not be able to cover the node's own directories. */
function refusePath({ mountPath, mountRoot }: NodeMountIntent): NodeMountPlan | undefined {
  const parts = mountPath.split('/');
  const isBelow = mountPath.startsWith(`${mountRoot}/`) && !parts.includes('..');
  if (isBelow) return undefined;
  return refuse('InvalidSpec', `spec.mountPath ${mountPath} must lie below ${mountRoot}.`);
}
