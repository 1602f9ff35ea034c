// StorageNode: what a node's agent sees there: block devices, who owns each, and what is missing.
import * as z from 'zod';
import {
  ageColumn,
  column,
  countColumn,
  type KindDefinition,
  messageColumn,
  readyColumn,
} from './kind.ts';
import type { KubeObject } from './object.ts';
import { storageNodes } from './resources.ts';
import { keyedList } from './rules.ts';
import { memberCount, observed } from './status.ts';
import { byteCount, integer, nonEmptyText, objectName, objectUid, text, time } from './text.ts';

export const devicesMaximum = 256;

export const deviceContents = z.object({
  type: z
    .enum([
      'Blank',
      'Filesystem',
      'RaidMember',
      'PartitionTable',
      'VolumeManager',
      'UnknownData',
      'Unreadable',
      'NotChecked',
    ])
    .describe(
      '`Blank` only when every probe found nothing and both ends were read and are zero. ' +
        '`UnknownData`: bytes that no probe knows. `Unreadable`: a read failed.',
    ),
  detail: text(512).describe('Such as `ext4 "backup"` or `member of array any:data`.').optional(),
});

export type DeviceContents = z.output<typeof deviceContents>;

export const storageDevice = z.object({
  name: nonEmptyText(128).describe("The kernel's name now, such as `sdc`; may change at a boot."),
  path: nonEmptyText(256).describe('Its path now, such as `/dev/sdc`.'),
  stablePath: text(256).describe('A path that stays, such as one in `/dev/disk/by-id`.').optional(),
  serial: text(128).describe('Serial number, where it has one.').optional(),
  wwn: text(128).describe('World wide name, where it has one.').optional(),
  model: text(128).describe('Model.').optional(),
  namespaceId: z.int().min(1).describe('NVMe namespace, where it is one.').optional(),
  sizeBytes: byteCount().describe('Size.'),
  rotational: z.boolean().describe('True for spinning disks.').optional(),
  readOnly: z.boolean().describe("True when it can't be written.").optional(),
  removable: z.boolean().describe('True when it can be taken out.').optional(),
  transport: text(32).describe('Such as nvme, sata, sas or iscsi.').optional(),
  type: text(32).describe('As lsblk says: disk, part, raid1, lvm and so on.'),
  azureLun: integer(0, 63).describe('The logical unit at which Azure attached it.').optional(),
  contents: deviceContents.describe('What is on it.'),
  usedBy: text(512).describe('Who uses it: a mount point, an array, a partition, swap.').optional(),
  claimedBy: z
    .object({
      namespace: text(63).describe('Namespace of the NodeMount and its pool.'),
      name: objectName().describe('The NodeMount.'),
      uid: objectUid().describe('Its uid.'),
      poolUid: objectUid().describe('Uid of the StoragePool.'),
    })
    .describe('The mount that owns it: written before the first byte, first come first served.')
    .optional(),
  eligible: z.boolean().describe('True when a StoragePool may take it.'),
  reasons: z
    .array(
      z.object({
        reason: nonEmptyText(128).describe('A word of docs/reference/reasons.md.'),
        message: text(512).describe('The same for people.'),
      }),
    )
    .max(8)
    .describe('Why it is not eligible.')
    .default([]),
});

export type StorageDevice = z.output<typeof storageDevice>;

export const storageNodeSpec = z.object({
  nodeUid: objectUid()
    .describe('Uid of the Node of the same name; another uid is another machine.')
    .optional(),
});

export const storageNodeStatus = z.object({
  ...observed,
  agent: z
    .object({
      version: text(64).describe('Version of the agent.'),
      startedAt: time().describe('When it started.'),
      bootId: text(64).describe('Changes when the machine boots.').optional(),
      root: text(1024).describe('The directory that mounts and the journal are under.').optional(),
    })
    .describe('The agent. Its heartbeat is the Lease `poolkeeper-agent-<node>`.')
    .optional(),
  devices: keyedList(z.array(storageDevice).max(devicesMaximum), 'path')
    .describe(`Block devices, by path; ${devicesMaximum} at most.`)
    .default([]),
  devicesTruncated: z.boolean().describe('True when there are more.').optional(),
  deviceCount: memberCount('How many whole disks there are.'),
  eligibleCount: memberCount('How many of them a StoragePool may take.'),
  prerequisites: keyedList(
    z
      .array(
        z.object({
          name: nonEmptyText(128).describe('Program or kernel module, such as `mdadm`.'),
          present: z.boolean().describe('Whether it is there.'),
          package: text(128).describe('What to install, where it is known.').optional(),
          neededFor: text(256).describe('The kinds of storage that need it.').optional(),
        }),
      )
      .max(32),
    'name',
  )
    .describe('What storage needs of the node. The agent installs nothing.')
    .default([]),
});

export type StorageNodeSpec = z.output<typeof storageNodeSpec>;
export type StorageNodeStatus = z.output<typeof storageNodeStatus>;
export type StorageNode = KubeObject<StorageNodeSpec, StorageNodeStatus>;

export const storageNodeKind: KindDefinition = {
  resource: storageNodes,
  writtenBy: 'agent',
  description:
    'What the agent of a node sees there: its block devices, who owns each, and what is ' +
    'missing. Named like the node.',
  spec: storageNodeSpec.prefault({}),
  status: storageNodeStatus,
  columns: [
    countColumn('Devices', '.status.deviceCount', 'Whole disks.'),
    countColumn('Eligible', '.status.eligibleCount', 'Disks that a pool may take.'),
    readyColumn,
    column('Agent', '.status.agent.version', 'Version of the agent.', { wide: true }),
    messageColumn,
    ageColumn,
  ],
};
