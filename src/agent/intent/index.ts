// What a NodeMount asks for, in the planner's words.
import type { NodeMount } from '../../api/node-mount.ts';
import type { DeepReadonly } from '../../api/object.ts';
import type { NodeMountIntent } from '../../plan/node-mount.ts';
import type { MountIntent } from '../../plan/node-mount-facts.ts';
import type { Owner } from '../journal.ts';
import { mountPathOf } from '../mount-paths.ts';
import { cephfsIntent } from './cephfs.ts';
import { iscsiIntent } from './iscsi.ts';
import { localIntent } from './local.ts';
import { mdadmIntent } from './mdadm.ts';
import { nfsIntent } from './nfs.ts';

export function ownerOf(mount: DeepReadonly<NodeMount>): Owner {
  const { namespace, name, uid } = mount.metadata;
  const { uid: poolUid, name: poolName } = mount.spec.poolRef;
  return { namespace, name, uid, poolUid, poolName };
}

/** Undefined for types this agent can't make yet. */
export function intentOf(
  mount: DeepReadonly<NodeMount>,
  root: string,
  pathTakenBy?: string,
): NodeMountIntent | undefined {
  const { spec } = mount;
  const shared: MountIntent = {
    poolUid: spec.poolRef.uid,
    mountPath: mountPathOf(mount, root),
    mountRoot: `${root}/mounts`,
    pathTakenBy,
    deletionPolicy: spec.deletionPolicy,
    isDeleting: mount.metadata.deletionTimestamp !== undefined,
    wasActive: spec.holdsData || mount.status?.firstMountedAt !== undefined,
  };
  switch (spec.type) {
    case 'mdadm':
      return mdadmIntent(shared, spec.mdadm);
    case 'nfs':
      return nfsIntent(shared, spec.nfs);
    case 'local':
      return localIntent(shared, spec.local);
    case 'cephfs':
      return cephfsIntent(shared, spec.cephfs);
    case 'iscsi':
      return iscsiIntent(shared, spec.iscsi);
    default:
      return undefined;
  }
}
