// What a NodeMount asks for, in the planner's words.
import type { NodeMount } from '../api/node-mount.ts';
import type { DeepReadonly } from '../api/object.ts';
import type { DeviceRequest } from '../plan/disks.ts';
import type { MdadmIntent, MountIntent, NfsIntent } from '../plan/node-mount-facts.ts';
import type { Owner } from './journal.ts';

export function ownerOf(mount: DeepReadonly<NodeMount>): Owner {
  const { namespace, name, uid } = mount.metadata;
  return { namespace, name, uid, poolUid: mount.spec.poolRef.uid };
}

/** Undefined for types this agent can't make yet. */
export function intentOf(
  mount: DeepReadonly<NodeMount>,
  root: string,
): MdadmIntent | NfsIntent | undefined {
  const { spec } = mount;
  const shared: MountIntent = {
    poolUid: spec.poolRef.uid,
    mountPath: spec.mountPath ?? `${root}/mounts/${mount.metadata.namespace}/${spec.poolRef.name}`,
    mountRoot: `${root}/mounts`,
    deletionPolicy: spec.deletionPolicy,
    isDeleting: mount.metadata.deletionTimestamp !== undefined,
    wasActive: spec.holdsData || mount.status?.firstMountedAt !== undefined,
  };
  if (spec.type === 'mdadm') return mdadmIntent(shared, spec.mdadm);
  if (spec.type !== 'nfs') return undefined;
  const { server, exportPath, version, options } = spec.nfs;
  return { ...shared, type: 'nfs', server, exportPath, version, mountOptions: options };
}

type MdadmSpec = Extract<DeepReadonly<NodeMount>['spec'], { readonly type: 'mdadm' }>['mdadm'];

function mdadmIntent(shared: MountIntent, mdadm: MdadmSpec): MdadmIntent {
  return {
    ...shared,
    type: 'mdadm',
    arrayName: mdadm.arrayName,
    level: mdadm.level,
    devices: mdadm.devices.map(toRequest),
    spares: mdadm.spares,
    filesystem: mdadm.filesystem,
    chunkKiB: mdadm.chunkKiB,
    mkfsOptions: mdadm.mkfsOptions ?? [],
    mountOptions: mdadm.options,
    adoptArrayUuid: mdadm.adoptArrayUUID,
  };
}

function toRequest(device: MdadmSpec['devices'][number]): DeviceRequest {
  const { serial, wwn, model, sizeBytes, wipe } = device;
  return { serial, wwn, model, sizeBytes, wipeConfirm: wipe?.confirm };
}
