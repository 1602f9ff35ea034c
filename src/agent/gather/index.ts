// One look at the node for one NodeMount: everything the planner needs, and nothing is changed.
import type { NodeMountIntent, NodeMountSituation } from '../../plan/node-mount.ts';
import type { GatherContext } from './context.ts';
import { gatherMdadm } from './mdadm.ts';
import { gatherNfs } from './nfs.ts';

export async function gather(
  intent: NodeMountIntent,
  uid: string,
  context: GatherContext,
): Promise<NodeMountSituation> {
  switch (intent.type) {
    case 'mdadm':
      return { type: 'mdadm', intent, facts: await gatherMdadm(intent, uid, context) };
    case 'nfs':
      return { type: 'nfs', intent, facts: await gatherNfs(intent, uid, context) };
  }
}
