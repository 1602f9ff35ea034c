// How a disk is named, what an array is, and how they are shown: pools, mounts and inventories
// speak of them in the same words.
import * as z from 'zod';
import { withRules } from './rules.ts';
import { byteCount, durationText, integer, nonEmptyText, text, time } from './text.ts';

export const arrayMembersMaximum = 32;

const diskFields = {
  serial: nonEmptyText(128)
    .describe('Serial number, as status.devices of the StorageNode shows it.')
    .optional(),
  wwn: nonEmptyText(128)
    .describe('World wide name; the surer choice where several disks share a serial number.')
    .optional(),
  model: nonEmptyText(128).describe('When set, the disk must also be of this model.').optional(),
  sizeBytes: byteCount().describe('When set, the disk must also be of this size.').optional(),
  namespaceId: z
    .int()
    .min(1)
    .describe(
      'When set, the disk must also be this NVMe namespace: tells apart disks that share ' +
        'a controller and thus a serial number.',
    )
    .optional(),
  label: nonEmptyText(64)
    .describe('A name for people, such as `bay 3`; shown beside the serial number.')
    .optional(),
  wipe: z
    .object({
      confirm: nonEmptyText(128).describe("The disk's serial or wwn once more."),
    })
    .describe(
      'Destroy whatever this disk holds. Without it a disk that is not blank is refused. ' +
        'Used once.',
    )
    .optional(),
};

/** A disk that a user names. Never by `/dev/sdX`, which changes from boot to boot. */
export const diskSelector = withRules(
  z.object(diskFields),
  {
    rule: 'has(self.serial) || has(self.wwn)',
    message: 'a device needs serial or wwn: take one from status.devices of the StorageNode',
  },
  {
    rule:
      '!has(self.wipe) || (has(self.serial) && self.wipe.confirm == self.serial) || ' +
      '(has(self.wwn) && self.wipe.confirm == self.wwn)',
    message:
      'wipe.confirm must repeat the serial or wwn of the device whose data is to be destroyed',
    fieldPath: '.wipe.confirm',
  },
);

export type DiskSelector = z.output<typeof diskSelector>;

/** A disk as the agent must find it: also by the Azure slot of an attached volume. */
export const mountedDisk = withRules(
  z.object({
    ...diskFields,
    azureLun: integer(0, 63)
      .describe('The logical unit at which Azure attached the volume to this node.')
      .optional(),
  }),
  {
    rule: 'has(self.serial) || has(self.wwn) || has(self.azureLun)',
    message: 'a device needs serial, wwn or azureLun',
  },
);

export type MountedDisk = z.output<typeof mountedDisk>;

export const raidLevel = z.literal([0, 1, 4, 5, 6, 10]);
export type RaidLevel = z.output<typeof raidLevel>;

export const filesystem = z.enum(['ext4', 'xfs']);
export type Filesystem = z.output<typeof filesystem>;

export function chunkKiB() {
  return withRules(integer(4, 4096), {
    rule: 'self in [4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096]',
    message: 'chunkKiB must be a power of two',
  }).describe("Chunk size of striped levels in KiB; default: mdadm's own (512).");
}

/**
 * Words for mkfs, one argument each. Only options that tune the filesystem: one that names a device,
 * forces, or only pretends would get past the checks that protect other people's disks.
 */
export function mkfsOptions() {
  return withRules(z.array(nonEmptyText(128)).max(16), {
    rule:
      "self.all(option, option.matches('^-[bCdEGgIiJlmNnOsT]$') || " +
      "(option.matches('^[A-Za-z0-9^][A-Za-z0-9^=,._:%-]*$') && " +
      "!option.matches('(device|logdev|name|uuid)=')))",
    message:
      'mkfsOptions must hold only, one per item, an option among -b -C -E -G -g -I -i -J -m -N -O -T ' +
      '(ext4) or -b -d -i -l -m -n -s (xfs) and its value; nothing that names a device, sets ' +
      'the UUID or forces',
  }).describe(
    'Further arguments for mkfs, one per item, such as `["-i", "8192"]`. The UUID is set by ' +
      'Poolkeeper.',
  );
}

/** RFC 4122 text; how mdadm writes it (colons) is the agent's business. */
export function uuid() {
  return z
    .string()
    .max(36)
    .regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
}

/** The same, or as mdadm writes it: four groups with colons. */
export function arrayUuid() {
  return z
    .string()
    .max(36)
    .regex(/^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{8}(:[0-9a-f]{8}){3})$/);
}

export const driveStates = z.enum([
  'Pending',
  'Active',
  'Spare',
  'Rebuilding',
  'Leaving',
  'Faulty',
  'Missing',
]);

export const drives = z
  .array(
    z.object({
      serial: text(128).describe('Serial number.').optional(),
      wwn: text(128).describe('World wide name.').optional(),
      label: text(64).describe('The name that the spec gives it.').optional(),
      path: text(256)
        .describe('Where the kernel has it now; may change at the next boot.')
        .optional(),
      sizeBytes: byteCount().describe('Its size.').optional(),
      state: driveStates.describe(
        '`Pending`: not used yet. `Active`, `Spare`. `Rebuilding`: being filled. ' +
          '`Leaving`: still a member, but the spec does not name it any more; let go once ' +
          'the array is whole without it. `Faulty`: failed or dropped out. `Missing`: not ' +
          'on the node.',
      ),
    }),
  )
  .max(arrayMembersMaximum)
  .describe('The disks, in the order of the spec; those that are leaving come last.')
  .default([]);

export type Drive = z.output<typeof drives>[number];
export type DriveState = z.output<typeof driveStates>;

export const arrayStatus = z.object({
  uuid: text(36).describe('UUID of the array.'),
  name: text(64).describe('Its name in the superblocks.').optional(),
  devicePath: text(256).describe('Where the kernel has it now.').optional(),
  level: raidLevel.describe('RAID level.'),
  state: text(32).describe(
    "The kernel's word, such as inactive, readonly or broken; `active` for one that runs.",
  ),
  memberCount: z.int().min(0).describe('Members that it should have.'),
  degradedCount: z.int().min(0).describe('Members that it lacks.').default(0),
  syncAction: text(32)
    .describe("The kernel's word: idle, resync, recover, check, repair, reshape or frozen.")
    .optional(),
  syncPercent: integer(0, 100).describe('How far that is.').optional(),
  syncKiBPerSecond: z.int().min(0).describe('How fast it goes.').optional(),
  syncSecondsLeft: z.int().min(0).describe('How long it will still take at this speed.').optional(),
  initialSyncCompletedAt: time()
    .describe('When its first parity or copy was complete; redundant only from then on.')
    .optional(),
  scrub: z
    .object({
      startedAt: time().describe('When the last one began.'),
      completedAt: time().describe('When it ended; absent while it runs.').optional(),
      mismatchCount: z
        .int()
        .min(0)
        .describe('Sectors in which copies or parities differed.')
        .optional(),
    })
    .describe('The last comparison of all copies and parities.')
    .optional(),
});

export const scrubInterval = () =>
  durationText({ minimum: '24h', maximum: '8760h' }).describe(
    'How often all copies and parities are read and compared, such as `720h`; left out, only ' +
      'when the annotation poolkeeper.dev/scrub-requested-at asks for it. Differences are ' +
      'counted and never repaired unasked.',
  );

export type ArrayStatus = z.output<typeof arrayStatus>;

export const wipes = z
  .array(
    z.object({
      time: time().describe('When.'),
      node: text(253).describe('On which node.').optional(),
      device: text(128).describe('Serial or wwn of the disk.'),
      found: text(1024).describe('What it held.'),
    }),
  )
  .max(arrayMembersMaximum)
  .describe('Disks whose content was destroyed because wipe.confirm asked for it.')
  .default([]);

export const capacity = {
  sizeBytes: byteCount().describe('Size of the filesystem.').optional(),
  usedBytes: byteCount().describe('Bytes in use.').optional(),
  availableBytes: byteCount().describe('Bytes that can still be written.').optional(),
  usePercent: integer(0, 100).describe('Part in use.').optional(),
};
