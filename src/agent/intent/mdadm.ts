// What a NodeMount of type mdadm asks for.
import { parseDuration } from '../../api/duration.ts';
import type { NodeMount } from '../../api/node-mount.ts';
import type { DeepReadonly } from '../../api/object.ts';
import type { DeviceRequest } from '../../plan/disks.ts';
import type { MountIntent } from '../../plan/node-mount-facts.ts';
import type { MdadmIntent } from '../../plan/node-mount-mdadm-facts.ts';

type MdadmSpec = Extract<DeepReadonly<NodeMount>['spec'], { readonly type: 'mdadm' }>['mdadm'];

export function mdadmIntent(shared: MountIntent, mdadm: MdadmSpec): MdadmIntent {
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
    ...(mdadm.scrubInterval !== undefined && {
      scrubIntervalMilliseconds: parseDuration(mdadm.scrubInterval),
    }),
    ...(mdadm.scrubRequestedAt !== undefined && { scrubRequest: mdadm.scrubRequestedAt }),
    mountOptions: mdadm.options,
    adoptArrayUuid: mdadm.adoptArrayUUID,
  };
}

function toRequest(device: MdadmSpec['devices'][number]): DeviceRequest {
  const { serial, wwn, model, sizeBytes, namespaceId, azureLun, wipe } = device;
  return { serial, wwn, model, sizeBytes, namespaceId, azureLun, wipeConfirm: wipe?.confirm };
}
