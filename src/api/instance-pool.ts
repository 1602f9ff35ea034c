// InstancePool: a warm pool of VMs.
import * as z from 'zod';
import {
  availabilityZone,
  azureResourceId,
  azureScope,
  resolvedScope,
  vmSize,
} from './azure-scope.ts';
import {
  ageColumn,
  countColumn,
  type KindDefinition,
  messageColumn,
  poolNameRule,
  readyColumn,
} from './kind.ts';
import { hooks, image, osDisk, userData, userTags } from './machine.ts';
import type { NamespacedObject } from './object.ts';
import { instancePools } from './resources.ts';
import { setList, withRules } from './rules.ts';
import { membersMaximum, scaling } from './scaling.ts';
import { creationFailures, memberCount, nameReference, observed, recentActions } from './status.ts';
import { integer, text, time } from './text.ts';

export const instanceTemplate = z.object({
  vmSizes: setList(z.array(vmSize()).min(1).max(10)).describe(
    'VM sizes in order of preference: when Azure has no quota or capacity for one, the ' +
      'next is tried. Such as `["Standard_D4s_v5", "Standard_D4as_v5"]`.',
  ),
  image: image.describe('What the machine boots from.'),
  osDisk: osDisk.describe("The machine's own disk.").prefault({}),
  subnetId: azureResourceId().describe('The subnet that machines get their address from.'),
  adminUsername: z
    .string()
    .max(64)
    .regex(/^[a-z_][-a-z0-9_]*$/)
    .describe('The administrator account that is made; `root` and `admin` are refused by Azure.')
    .default('azureuser'),
  sshPublicKeys: setList(
    z
      .array(
        z
          .string()
          .max(4096)
          .regex(/^ssh-(rsa|ed25519) [A-Za-z0-9+/]+=*( [^\r\n]*)?$/),
      )
      .min(1)
      .max(10),
  ).describe('Keys that may log in as adminUsername, in OpenSSH format (RSA or Ed25519).'),
  userData: userData.describe('Handed to the machine at its first boot (cloud-init).').optional(),
  priority: z
    .enum(['Regular', 'Spot'])
    .describe(
      "`Spot` costs less and may be taken back by Azure at 30 seconds' notice, claimed " +
        'or not; the price is capped at the regular one.',
    )
    .default('Regular'),
  evictionPolicy: z
    .enum(['Delete', 'Deallocate'])
    .describe(
      'What Azure does to a spot machine that it takes back; left out, `Delete`. `Deallocate`: it ' +
        'keeps its disks and its quota; a claimed one is started again as soon as there is ' +
        'capacity, a free one is replaced.',
    )
    .optional(),
  identityIds: setList(z.array(azureResourceId()).max(10))
    .describe(
      "User-assigned identities of the machines. The installation's configuration must " +
        'allow each for this namespace.',
    )
    .optional(),
  tags: userTags()
    .describe('Azure tags of your own, put on machines when they are made.')
    .optional(),
});

export type InstanceTemplate = z.output<typeof instanceTemplate>;

const instancePoolFields = z.object({
  azure: azureScope
    .describe('Where the machines are made. Fixed once the pool exists.')
    .prefault({}),
  scaling: scaling.describe('How many machines are kept.'),
  template: instanceTemplate.describe(
    'What each machine is like. A change replaces free machines gradually; claimed ones ' +
      'stay as they are.',
  ),
  warmState: z
    .enum(['Running', 'Deallocated', 'Hibernated'])
    .describe(
      'How a free machine waits. `Running`: claimed at once, billed in full. ' +
        '`Deallocated`: billed for disks only, started when claimed (20–60 s, may fail for ' +
        'want of capacity). `Hibernated`: the same, with its memory kept; a claim with a ' +
        'volume of its own must start it first.',
    )
    .default('Running'),
  prewarm: z
    .object({
      volumePoolRef: nameReference('the VolumePool').describe('Where fresh volumes come from.'),
      count: integer(0, membersMaximum).describe(
        'So many of the free machines hold a fresh attached volume: claimed without any ' +
          'call to Azure.',
      ),
    })
    .describe('Attach fresh volumes ahead of time; left out, none are.')
    .optional(),
  hooks: hooks
    .describe('Scripts that run in the machine when it is claimed and released.')
    .prefault({}),
  recyclePolicy: z
    .enum(['Replace', 'Reuse'])
    .describe(
      'What becomes of a released machine. `Replace`: it is deleted and a fresh one ' +
        "made, because its OS disk may hold somebody's bytes. `Reuse`: it becomes free " +
        'again; only for machines that isolate their guests.',
    )
    .default('Replace'),
  deletionPolicy: z
    .enum(['Block', 'Orphan'])
    .describe(
      'What deleting the pool does while machines are claimed. `Block`: it waits and ' +
        'says so. `Orphan`: claimed machines stay in Azure as they are, with the disks attached ' +
        "to them, without our tags, and are nobody's business any more: their claims end. Free " +
        'machines are deleted.',
    )
    .default('Block'),
  paused: z
    .boolean()
    .describe('Make and remove nothing. Claims are still bound to free machines and released.')
    .default(false),
});

export const instancePoolSpec = withRules(
  instancePoolFields,
  {
    rule: '!has(self.prewarm) || self.prewarm.count <= self.scaling.maxFree',
    message:
      'spec.prewarm.count must not be greater than scaling.maxFree: only free machines ' +
      'are prewarmed',
    fieldPath: '.prewarm.count',
  },
  {
    rule: "self.warmState == 'Running' || !self.template.osDisk.ephemeral",
    message:
      'spec.warmState must be Running when template.osDisk.ephemeral is true: an ' +
      'ephemeral OS disk cannot be deallocated',
    fieldPath: '.warmState',
  },
  {
    rule: "!has(self.template.evictionPolicy) || self.template.priority == 'Spot'",
    message: 'spec.template.evictionPolicy must be left out unless priority is Spot',
    fieldPath: '.template.evictionPolicy',
  },
  {
    rule:
      "!has(self.template.evictionPolicy) || self.template.evictionPolicy == 'Delete' || " +
      '!self.template.osDisk.ephemeral',
    message:
      'spec.template.evictionPolicy must be Delete when template.osDisk.ephemeral is true: an ' +
      'ephemeral OS disk cannot be deallocated',
    fieldPath: '.template.evictionPolicy',
  },
  {
    rule: "!has(self.prewarm) || self.warmState != 'Hibernated'",
    message:
      'spec.prewarm cannot be combined with warmState Hibernated: the disks of a hibernated ' +
      'machine cannot be changed; choose Running or Deallocated',
    fieldPath: '.prewarm',
  },
  {
    rule: "self.warmState != 'Hibernated' || self.template.priority != 'Spot'",
    message:
      'spec.warmState cannot be Hibernated when template.priority is Spot: choose ' +
      'Deallocated or Regular',
    fieldPath: '.warmState',
  },
);

export const instancePoolStatus = z.object({
  ...observed,
  free: memberCount('Machines that are verified in their warm state and not claimed.'),
  prewarmed: memberCount('Free machines that hold a fresh attached volume.'),
  creating: memberCount('Machines that are being made, or recorded and about to be.'),
  claimed: memberCount('Machines that belong to a claim.'),
  releasing: memberCount('Machines whose claim is being released.'),
  deleting: memberCount('Machines that are being deleted.'),
  failed: memberCount('Machines that failed and are about to be deleted.'),
  quarantined: memberCount('Machines set aside because nothing proves that they are clean.'),
  total: memberCount('All of the above; never more than maxTotal.'),
  waitingClaims: memberCount('Claims that wait for a machine of this pool.'),
  templateRevision: text(64).describe('Which template new machines are made from.').optional(),
  outdated: memberCount('Free machines of an older template, about to be replaced.'),
  scope: resolvedScope
    .describe('The Azure scope in use, resolved once from spec.azure and the installation.')
    .optional(),
  lastScaleUpTime: time().describe('When a machine was last asked for.').optional(),
  lastScaleDownTime: time().describe('When a free machine was last removed.').optional(),
  nextScaleDownTime: time()
    .describe('When the next free machine may be removed, if one is to be.')
    .optional(),
  unavailableSizes: z
    .array(
      z.object({
        vmSize: vmSize().describe('The size.'),
        zone: availabilityZone().describe('The zone; absent when it concerns all.').optional(),
        reason: text(128).describe("Azure's error code."),
        message: text(1024).describe("Azure's words."),
        until: time().describe('When it is tried again.'),
      }),
    )
    .max(32)
    .describe('Sizes that Azure refused lately; they are passed over until then.')
    .default([]),
  creationFailures: creationFailures
    .describe('Present while creations fail: why, and when the next is tried.')
    .optional(),
  recentActions,
});

export type InstancePoolSpec = z.output<typeof instancePoolSpec>;
export type InstancePoolStatus = z.output<typeof instancePoolStatus>;
export type InstancePool = NamespacedObject<InstancePoolSpec, InstancePoolStatus>;

export const instancePoolKind: KindDefinition = {
  resource: instancePools,
  writtenBy: 'user',
  description:
    'A warm pool of Azure VMs: made ahead of time, so that an InstanceClaim gets one at once.',
  spec: instancePoolSpec,
  status: instancePoolStatus,
  rules: [poolNameRule],
  columns: [
    countColumn('Free', '.status.free', 'Machines that can be claimed now.'),
    { ...countColumn('Prewarmed', '.status.prewarmed', 'Free ones with a volume.'), wide: true },
    countColumn('Creating', '.status.creating', 'Machines on their way.'),
    countColumn('Claimed', '.status.claimed', 'Machines in use.'),
    { ...countColumn('Waiting', '.status.waitingClaims', 'Claims that wait.'), wide: true },
    countColumn('Total', '.status.total', 'Machines in any state.'),
    countColumn('Min', '.spec.scaling.minFree', 'Free machines wanted at least.'),
    countColumn('Max', '.spec.scaling.maxTotal', 'Machines allowed in total.'),
    readyColumn,
    messageColumn,
    ageColumn,
  ],
};
