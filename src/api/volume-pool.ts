// VolumePool: a warm pool of managed disks, each a copy of a golden snapshot.
import * as z from 'zod';
import { azureResourceId, azureScope, resolvedScope, vmSize } from './azure-scope.ts';
import { commandRecords } from './command-record.ts';
import { builtSnapshots, snapshotBuild as snapshotBuildStatus } from './golden-snapshot.ts';
import {
  ageColumn,
  countColumn,
  type KindDefinition,
  messageColumn,
  poolNameRule,
  readyColumn,
} from './kind.ts';
import { buildReadyCheck, image, scriptMaximumLength, userData } from './machine.ts';
import type { NamespacedObject } from './object.ts';
import { volumePools } from './resources.ts';
import { withRules } from './rules.ts';
import { scaling } from './scaling.ts';
import { creationFailures, memberCount, observed, progress, recentActions } from './status.ts';
import { absolutePath, integer, nonEmptyText, text, time } from './text.ts';

export const volumeSku = z.enum([
  'Standard_LRS',
  'StandardSSD_LRS',
  'StandardSSD_ZRS',
  'Premium_LRS',
  'Premium_ZRS',
  'PremiumV2_LRS',
  'UltraSSD_LRS',
]);

export const reclaimPolicy = z.enum(['Retain', 'Delete', 'Recycle']);

export const volumeSizeGiB = integer(1, 65_536);

const snapshotBuild = withRules(
  z.object({
    image: image.describe('The image of the machine that prepares the disk.'),
    vmSize: vmSize().describe('The size of that machine.').default('Standard_D2s_v5'),
    subnetId: azureResourceId().describe('The subnet that machine gets its address from.'),
    script: nonEmptyText(scriptMaximumLength)
      .describe('A shell script, run as root with the data disk mounted; exclusive with userData.')
      .optional(),
    userData: userData
      .describe('User data (cloud-init) that prepares the disk; exclusive with script.')
      .optional(),
    dataDiskMountPath: absolutePath()
      .describe('Where the data disk is mounted in that machine while it is prepared.')
      .default('/mnt/userdata'),
    ready: buildReadyCheck
      .describe('How it is known that the disk is prepared.')
      .prefault({ type: 'RunCommand', runCommand: { script: 'cloud-init status --wait' } }),
    keepVersions: integer(1, 10)
      .describe('Built snapshots that are kept, the one in use included; older ones are deleted.')
      .default(2),
  }),
  {
    rule: 'has(self.script) != has(self.userData)',
    message: 'spec.goldenSnapshot.build needs exactly one of script and userData: set one of them',
  },
);

export const goldenSnapshot = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('Existing').describe('a snapshot that somebody made'),
    existing: z
      .object({ id: azureResourceId().describe('The full ARM id of the snapshot.') })
      .describe('The snapshot to copy.'),
  }),
  z.object({
    type: z.literal('Build').describe('a snapshot that Poolkeeper makes with a builder machine'),
    build: snapshotBuild.describe(
      'The recipe. Changing it builds a new version; free volumes of the old one are ' +
        'replaced gradually.',
    ),
  }),
  z.object({
    type: z
      .literal('Empty')
      .describe('nothing: each disk is blank, as the members of a StoragePool must be'),
  }),
]);

export type GoldenSnapshot = z.output<typeof goldenSnapshot>;

export const volumePoolSpec = z.object({
  azure: azureScope.describe('Where the disks are made. Fixed once the pool exists.').prefault({}),
  scaling: scaling.describe('How many disks are kept.'),
  volume: z
    .object({
      sizeGiB: volumeSizeGiB.describe('Size of each disk in GiB; at least that of the snapshot.'),
      sku: volumeSku.describe('The kind of storage.').default('Premium_LRS'),
    })
    .describe(
      'What each disk is like. A change replaces free disks gradually; used ones stay as they are.',
    ),
  goldenSnapshot: goldenSnapshot.describe('What each disk is a copy of.'),
  reclaimPolicy: reclaimPolicy
    .describe(
      'What becomes of a disk whose claim is released. `Retain`: it stays, with its ' +
        'bytes, for a claim of type Existing. `Delete`: it is deleted. `Recycle`: it is ' +
        'deleted and a fresh one takes its place even if minFree would not ask for one: ' +
        "nobody's bytes ever reach another. A change concerns disks that are released from then " +
        'on, not those that are kept already.',
    )
    .default('Retain'),
  deletionPolicy: z
    .enum(['Block', 'Orphan'])
    .describe(
      'What deleting the pool does while disks are claimed or retained. `Block`: it ' +
        'waits and says so. `Orphan`: those disks stay in Azure, attached where they are, ' +
        "without our tags, and are nobody's business any more; free ones are deleted.",
    )
    .default('Block'),
  paused: z
    .boolean()
    .describe('Make and remove nothing. Claims are still bound to free disks and released.')
    .default(false),
});

export const volumePoolStatus = z.object({
  ...observed,
  free: memberCount('Disks that are ready and not claimed.'),
  creating: memberCount('Disks that are being made, or recorded and about to be.'),
  attaching: memberCount('Claimed disks that Azure is attaching.'),
  attached: memberCount('Disks attached to an instance; prewarmed ones included.'),
  detaching: memberCount('Disks that Azure is detaching.'),
  retained: memberCount('Released disks kept with their bytes.'),
  deleting: memberCount('Disks that are being deleted.'),
  failed: memberCount('Disks that failed and are about to be deleted.'),
  quarantined: memberCount('Disks set aside because nothing proves that they are clean or ours.'),
  total: memberCount('All of the above; never more than maxTotal.'),
  goldenSnapshot: z
    .object({
      id: text(512).describe('The ARM id of the snapshot in use.').optional(),
      version: text(128)
        .describe('Which content it is: changes with the recipe or the snapshot.')
        .optional(),
      createdAt: time().describe('When the snapshot was made.').optional(),
      sizeGiB: z.int().min(0).describe('Its size.').optional(),
      phase: z
        .enum(['Pending', 'Building', 'Validating', 'Ready', 'Failed'])
        .describe('How far it is. While a new version builds, the old one stays in use.'),
      progress: progress
        .describe('What the build is doing; percent is that of the whole build.')
        .optional(),
      commands: commandRecords("The builder machine's last scripts.", 8).optional(),
    })
    .describe('The golden snapshot that new disks are copied from.')
    .optional(),
  snapshotBuild: snapshotBuildStatus
    .describe('The build under way or, after a failure, waiting to be tried again.')
    .optional(),
  builtSnapshots,
  outdated: memberCount(
    'Free disks of another version, size or sku than the spec asks for; replaced gradually.',
  ),
  scope: resolvedScope
    .describe('The Azure scope in use, resolved once from spec.azure and the installation.')
    .optional(),
  lastScaleUpTime: time().describe('When a disk was last asked for.').optional(),
  lastScaleDownTime: time().describe('When a free disk was last removed.').optional(),
  nextScaleDownTime: time()
    .describe('When the next free disk may be removed, if one is to be.')
    .optional(),
  creationFailures: creationFailures
    .describe('Present while creations fail: why, and when the next is tried.')
    .optional(),
  recentActions,
});

export type VolumePoolSpec = z.output<typeof volumePoolSpec>;
export type VolumePoolStatus = z.output<typeof volumePoolStatus>;
export type VolumePool = NamespacedObject<VolumePoolSpec, VolumePoolStatus>;

export const volumePoolKind: KindDefinition = {
  resource: volumePools,
  writtenBy: 'user',
  description:
    'A warm pool of Azure disks, copied from a golden snapshot ahead of time, for claims ' +
    'and prewarmed instances.',
  spec: volumePoolSpec,
  status: volumePoolStatus,
  rules: [poolNameRule],
  columns: [
    countColumn('Free', '.status.free', 'Disks that can be claimed now.'),
    countColumn('Creating', '.status.creating', 'Disks on their way.'),
    countColumn('Attached', '.status.attached', 'Disks attached to an instance.'),
    { ...countColumn('Retained', '.status.retained', 'Released disks kept.'), wide: true },
    countColumn('Total', '.status.total', 'Disks in any state.'),
    countColumn('Min', '.spec.scaling.minFree', 'Free disks wanted at least.'),
    countColumn('Max', '.spec.scaling.maxTotal', 'Disks allowed in total.'),
    readyColumn,
    messageColumn,
    ageColumn,
  ],
};
