// What a pool of type mdadm asks its node for.
import type { MountedDisk } from '../api/disk.ts';
import type { MdadmPool } from '../api/mdadm-pool.ts';
import { annotations } from '../api/names.ts';
import type { NodeMount } from '../api/node-mount.ts';
import type { StoragePool, StoragePoolSpec } from '../api/storage-pool.ts';
import { arrayNameFor, normalUuid } from './node-mount-identity.ts';
import type { MountBranch, StorageBranch } from './storage-pool-branch.ts';
import type { StorageSources } from './storage-pool-sources.ts';

type MdadmSource = MdadmPool['source'];

export const mdadmBranch: StorageBranch = {
  nodeName,
  refusal: () => undefined,
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

/** Every field is written out, so that nothing hangs on defaults. */
function mountBranch(
  { metadata, spec }: StoragePool,
  sources: StorageSources,
): MountBranch | undefined {
  if (spec.type !== 'mdadm') return undefined;
  const devices = devicesOf(spec.mdadm.source, sources);
  if (!devices) return undefined;
  const { source, level, spares, filesystem, chunkKiB, mkfsOptions, scrubInterval } = spec.mdadm;
  const scrubRequestedAt = metadata.annotations?.[annotations.scrubRequestedAt]?.slice(0, 64);
  return {
    type: 'mdadm',
    mdadm: {
      arrayName: arrayNameFor(metadata.uid),
      level,
      devices,
      spares,
      ...(source.type === 'Adopt' ? { adoptArrayUUID: normalUuid(source.adopt.arrayUUID) } : {}),
      filesystem,
      ...(chunkKiB === undefined ? {} : { chunkKiB }),
      ...(mkfsOptions === undefined ? {} : { mkfsOptions }),
      ...(scrubInterval === undefined ? {} : { scrubInterval }),
      ...(scrubRequestedAt === undefined ? {} : { scrubRequestedAt }),
      options: [],
    },
  };
}

/** Undefined while disks of a VolumePool are on their way to the node. */
function devicesOf(source: MdadmSource, { devices }: StorageSources): MountedDisk[] | undefined {
  switch (source.type) {
    case 'Devices':
      return source.devices;
    case 'Volumes':
      return devices && [...devices];
    case 'Adopt':
      return source.adopt.devices ?? [];
  }
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
