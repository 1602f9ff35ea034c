// One look at the node for one NodeMount: everything the planner needs, and nothing is changed.
import type { NodeMountIntent, NodeMountSituation } from '../../plan/node-mount.ts';
import type { GatherContext } from './context.ts';
import { gatherIscsi } from './iscsi.ts';
import { gatherLocal } from './local.ts';
import { gatherMdadm } from './mdadm.ts';
import { gatherCephfs, gatherNfs } from './network.ts';

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
    case 'cephfs':
      return { type: 'cephfs', intent, facts: await gatherCephfs(intent, uid, context) };
    case 'local':
      return { type: 'local', intent, facts: await gatherLocal(intent, uid, context) };
    case 'iscsi':
      return { type: 'iscsi', intent, facts: await gatherIscsi(intent, uid, context) };
  }
}
