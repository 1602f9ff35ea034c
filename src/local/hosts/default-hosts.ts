// The three nodes of the quick start, each with something to learn from:
//   node-1  two blank disks for a first RAID1, and one disk somebody already uses
//   node-2  six blank virtio disks for larger arrays, one of them without a serial number
//   node-3  NVMe namespaces that share a serial, a failing disk, a disk of unknown content

import type { Runtime } from '../../runtime/index.ts';
import { seededRandom } from '../../runtime/random.ts';
import { type DiskOptions, GIBIBYTE, MEBIBYTE, SimulatedDisk } from './disk.ts';
import { makeFilesystem } from './filesystem-content.ts';
import { writeTable } from './gpt.ts';
import { SimulatedNetwork } from './network.ts';
import { SimulatedHost } from './simulated-host.ts';
import { windowOf } from './sparse-bytes.ts';

export interface DefaultHostsOptions {
  readonly speed?: number;
}

const ROOT_START_BYTES = 128 * MEBIBYTE;

/** A disk with a boot partition and a root filesystem, as a cloud image has it. */
export function operatingSystemDisk(options: DiskOptions, seed = 1): SimulatedDisk {
  const disk = new SimulatedDisk(options);
  const rootBytes = options.sizeBytes - ROOT_START_BYTES - MEBIBYTE;
  const efiBytes = 124 * MEBIBYTE;
  const random = seededRandom(seed);
  writeTable(disk, random, [
    { number: 1, startBytes: ROOT_START_BYTES, sizeBytes: rootBytes, label: 'root' },
    { number: 15, startBytes: 2 * MEBIBYTE, sizeBytes: efiBytes, label: 'efi' },
  ]);
  const rootUuid = '0b1c2d3e-4f50-4161-8273-8495a6b7c8d9';
  makeFilesystem(windowOf(disk, ROOT_START_BYTES, rootBytes), 'ext4', rootUuid);
  makeFilesystem(windowOf(disk, 2 * MEBIBYTE, efiBytes), 'vfat', '');
  return disk;
}

export const bootMountsOf = (
  serial: string,
): { serial: string; partition: number; target: string }[] => [
  { serial, partition: 1, target: '/' },
  { serial, partition: 15, target: '/boot/efi' },
];

function blankScsi(serial: string, sizeBytes: number): SimulatedDisk {
  const wwn = `0x5000c500${Buffer.from(serial).toString('hex').slice(-8)}`;
  const model = 'QEMU HARDDISK';
  return new SimulatedDisk({ sizeBytes, transport: 'scsi', serial, wwn, model, rotational: true });
}

function firstHost(runtime: Runtime, network: SimulatedNetwork, speed: number): SimulatedHost {
  const used = blankScsi('drive-scsi3', 32 * GIBIBYTE);
  makeFilesystem(used, 'ext4', '7d1f6a52-90ab-4c3e-8f21-5b6c7d8e9f00', {
    '/photos/summer.txt': 'do not lose me',
  });
  const disks = [
    operatingSystemDisk({
      sizeBytes: 30 * GIBIBYTE,
      transport: 'scsi',
      serial: 'drive-scsi0',
      model: 'QEMU HARDDISK',
    }),
    blankScsi('drive-scsi1', 64 * GIBIBYTE),
    blankScsi('drive-scsi2', 64 * GIBIBYTE),
    used,
  ];
  const bootMounts = bootMountsOf('drive-scsi0');
  return new SimulatedHost({ nodeName: 'node-1', runtime, network, speed, disks, bootMounts });
}

function secondHost(runtime: Runtime, network: SimulatedNetwork, speed: number): SimulatedHost {
  const disk = (number: number): SimulatedDisk =>
    new SimulatedDisk({
      sizeBytes: 32 * GIBIBYTE,
      transport: 'virtio',
      serial: `vdisk-${number}`,
    });
  const disks = [
    operatingSystemDisk({ sizeBytes: 30 * GIBIBYTE, transport: 'virtio', serial: 'vdisk-os' }),
    ...[1, 2, 3, 4, 5, 6].map(disk),
    new SimulatedDisk({ sizeBytes: 32 * GIBIBYTE, transport: 'virtio' }),
  ];
  const bootMounts = bootMountsOf('vdisk-os');
  return new SimulatedHost({ nodeName: 'node-2', runtime, network, speed, disks, bootMounts });
}

function thirdHost(runtime: Runtime, network: SimulatedNetwork, speed: number): SimulatedHost {
  const namespaceDisk = (namespaceId: number): DiskOptions => ({
    sizeBytes: 32 * GIBIBYTE,
    transport: 'nvme',
    serial: 'SN: 000001',
    wwn: `eui.0000000000000000000000000000000${namespaceId}`,
    model: 'MSFT NVMe Accelerator v1.0',
    namespaceId,
  });
  const failing = new SimulatedDisk({
    sizeBytes: 64 * GIBIBYTE,
    transport: 'scsi',
    serial: 'drive-failing',
    rotational: true,
  });
  failing.failReads = true;
  const unknown = blankScsi('drive-unknown', 64 * GIBIBYTE);
  unknown.scribble(seededRandom(3));
  const local = (number: number): SimulatedDisk =>
    new SimulatedDisk({
      sizeBytes: 110 * GIBIBYTE,
      transport: 'nvme',
      serial: `local-nvme-${number}`,
      model: 'Microsoft NVMe Direct Disk v2',
    });
  const disks = [
    operatingSystemDisk(namespaceDisk(1)),
    new SimulatedDisk(namespaceDisk(2)),
    new SimulatedDisk(namespaceDisk(3)),
    local(1),
    local(2),
    failing,
    unknown,
  ];
  // Several namespaces share the serial; the first disk in the list is the system's.
  const bootMounts = bootMountsOf('SN: 000001');
  return new SimulatedHost({ nodeName: 'node-3', runtime, network, speed, disks, bootMounts });
}

/**
 * Three nodes, each with a directory /mnt/scratch, on one network with an NFS server at `nfs.example`
 * (exports /data and /home), an iSCSI target that wants CHAP, and a Ceph cluster: those of the examples.
 */
export function defaultHosts(runtime: Runtime, options: DefaultHostsOptions = {}): SimulatedHost[] {
  const speed = options.speed ?? 50;
  const network = new SimulatedNetwork();
  network.addNfsServer('nfs.example', {
    '/data': { sizeBytes: 500 * GIBIBYTE, usedBytes: 120 * GIBIBYTE },
    '/home': { sizeBytes: 100 * GIBIBYTE, usedBytes: 7 * GIBIBYTE },
    '/private': { sizeBytes: 10 * GIBIBYTE, denied: true },
  });
  network.addIscsiTarget(
    '10.0.0.5:3260',
    'iqn.2026-01.com.example:warehouse',
    [{ number: 1, sizeBytes: 40 * GIBIBYTE, serial: 'warehouse-1' }],
    { username: 'initiator', password: 'change-me-please' },
  );
  network.addCephCluster(
    ['10.0.1.1:3300', '10.0.1.2:3300', '10.0.1.3:3300'],
    { team: 'AQBexampleexampleexampleexampleexample==' },
    { cephfs: { sizeBytes: 3000 * GIBIBYTE, usedBytes: 640 * GIBIBYTE, paths: ['/team'] } },
  );
  const hosts = [
    firstHost(runtime, network, speed),
    secondHost(runtime, network, speed),
    thirdHost(runtime, network, speed),
  ];
  for (const { machine } of hosts) machine.root.makeDirectory('/mnt/scratch');
  return hosts;
}
