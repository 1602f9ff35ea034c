// What a pool of type mdadm asks its node for.
import { annotations } from '../api/names.ts';
import type { NodeMount } from '../api/node-mount.ts';
import type { StoragePool, StoragePoolSpec } from '../api/storage-pool.ts';
import { arrayNameFor } from './node-mount-identity.ts';
import type { Stall } from './pool-conditions.ts';
import type { MountBranch, StorageBranch } from './storage-pool-branch.ts';

export const mdadmBranch: StorageBranch = {
  nodeName,
  refusal,
  mountBranch,
  changeable: ['devices', 'spares', 'scrubInterval', 'scrubRequestedAt'],
  conditions: [
    'NodePrerequisitesMet',
    'DisksClaimed',
    'ArrayHealthy',
    'ArrayConsistent',
    'Formatted',
    'Mounted',
  ],
  holdsDataFromTheStart,
  describeRemains,
};

function nodeName(spec: StoragePoolSpec): string | undefined {
  return spec.type === 'mdadm' ? spec.mdadm.nodeName : undefined;
}

function refusal({ spec }: StoragePool): Stall | undefined {
  if (spec.type !== 'mdadm' || spec.mdadm.source.type !== 'Volumes') return undefined;
  const message =
    'spec.mdadm.source.type Volumes is not supported by this version: attach the disks to the machine ' +
    'of the node yourself and name them under source type Devices';
  return { reason: 'InvalidSpec', message };
}

/** Every field is written out, so that nothing hangs on defaults. */
function mountBranch({ metadata, spec }: StoragePool): MountBranch | undefined {
  if (spec.type !== 'mdadm' || spec.mdadm.source.type === 'Volumes') return undefined;
  const { source, level, spares, filesystem, chunkKiB, mkfsOptions, scrubInterval } = spec.mdadm;
  const scrubRequestedAt = metadata.annotations?.[annotations.scrubRequestedAt]?.slice(0, 64);
  return {
    type: 'mdadm',
    mdadm: {
      arrayName: arrayNameFor(metadata.uid),
      level,
      devices: source.type === 'Devices' ? source.devices : (source.adopt.devices ?? []),
      spares,
      ...(source.type === 'Adopt' ? { adoptArrayUUID: source.adopt.arrayUUID } : {}),
      filesystem,
      ...(chunkKiB === undefined ? {} : { chunkKiB }),
      ...(mkfsOptions === undefined ? {} : { mkfsOptions }),
      ...(scrubInterval === undefined ? {} : { scrubInterval }),
      ...(scrubRequestedAt === undefined ? {} : { scrubRequestedAt }),
      options: [],
    },
  };
}

/** The bytes of an adopted array were somebody's before the pool was there. */
function holdsDataFromTheStart({ spec }: StoragePool): boolean {
  return spec.type === 'mdadm' && spec.mdadm.source.type === 'Adopt';
}

function describeRemains({ status }: NodeMount): string {
  const serials = (status?.drives ?? []).flatMap(({ serial, wwn }) => serial ?? wwn ?? []);
  const disks = serials.length > 0 ? ` on disks ${serials.join(', ')}` : '';
  if (status?.array) return `array ${status.array.uuid}${disks}`;
  return `whatever its agent had begun${disks}`;
}
