// InstanceClaim: "give me one instance, and this or a fresh volume". Deleting it releases both.
import * as z from 'zod';
import { commandRecords } from './command-record.ts';
import { ageColumn, column, type KindDefinition, messageColumn, readyColumn } from './kind.ts';
import { readyCheck } from './machine.ts';
import type { NamespacedObject } from './object.ts';
import { instanceClaims } from './resources.ts';
import { immutableFields } from './rules.ts';
import { nameReference, observed } from './status.ts';
import { durationText, integer, objectName, objectUid, text, time } from './text.ts';

export const claimedVolume = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('New').describe('a fresh copy of the golden snapshot'),
    new: z
      .object({ poolRef: nameReference('the VolumePool').describe('The pool it comes from.') })
      .describe('Where the fresh volume comes from.'),
  }),
  z.object({
    type: z.literal('Existing').describe('a volume that an earlier claim left behind'),
    existing: z
      .object({
        name: objectName().describe('The PoolVolume, as status.volume.name of that claim said.'),
        uid: objectUid().describe('Its uid, because names of slots are used again.'),
      })
      .describe('The retained volume.'),
  }),
]);

export type ClaimedVolume = z.output<typeof claimedVolume>;

export const instanceClaimSpec = immutableFields(
  z.object({
    instancePoolRef: nameReference('the InstancePool').describe(
      'The pool to take an instance from.',
    ),
    volume: claimedVolume
      .describe('The volume to attach; left out, the instance comes without one.')
      .optional(),
    ttl: durationText({ minimum: '1s', maximum: '8760h' })
      .describe(
        'The claim is released this long after it was bound. A duration such as `8h`; ' +
          'left out, it lives until it is deleted.',
      )
      .optional(),
    ready: readyCheck
      .describe('What must succeed before the claim is Ready; left out, hooks alone decide.')
      .optional(),
  }),
  ['instancePoolRef', 'volume'],
  { path: 'spec', advice: 'delete the claim and make another' },
);

export const instanceClaimPhase = z.enum(['Pending', 'Bound', 'Ready', 'Releasing', 'Failed']);

export const instanceClaimStatus = z.object({
  phase: instanceClaimPhase
    .describe(
      '`Pending`: no instance yet. `Bound`: an instance is owned. `Ready`: it may be ' +
        'used. `Releasing`. `Failed`: it cannot be served as it is; the Ready condition ' +
        'says why.',
    )
    .optional(),
  ...observed,
  instance: z
    .object({
      name: objectName().describe('The PoolInstance.'),
      uid: objectUid().describe('Its uid.'),
      resourceId: text(512).describe('ARM id of the VM.').optional(),
      address: text(64).describe('Private IPv4 address of the VM.').optional(),
      zone: text(16).describe('Its availability zone; absent when regional.').optional(),
    })
    .describe('The instance that the claim owns.')
    .optional(),
  volume: z
    .object({
      name: objectName().describe('The PoolVolume.'),
      uid: objectUid().describe('Its uid; a later claim needs it to get the same volume.'),
      resourceId: text(512).describe('ARM id of the disk.').optional(),
      lun: integer(0, 63).describe('The logical unit it is attached at.').optional(),
      devicePath: text(256)
        .describe('Where the guest sees it, such as `/dev/disk/azure/scsi1/lun0`.')
        .optional(),
    })
    .describe('The volume that the claim owns.')
    .optional(),
  boundAt: time().describe('When the instance was bound.').optional(),
  readyAt: time().describe('When the claim first became Ready.').optional(),
  expiresAt: time().describe('When spec.ttl ends.').optional(),
  bindLatencyMilliseconds: z
    .int()
    .min(0)
    .describe("Time from the operator's first sight of the claim to Bound.")
    .optional(),
  readyLatencyMilliseconds: z
    .int()
    .min(0)
    .describe("Time from the operator's first sight of the claim to Ready.")
    .optional(),
  usage: z
    .object({
      connections: z.int().min(0).describe('Open connections.').optional(),
      lastUsedAt: time().describe('When it was last used.').optional(),
    })
    .describe('Written by a front door that brings users to the instance, never by the operator.')
    .optional(),
  commands: commandRecords("What the pool's hooks did.", 16),
});

export type InstanceClaimSpec = z.output<typeof instanceClaimSpec>;
export type InstanceClaimPhase = z.output<typeof instanceClaimPhase>;
export type InstanceClaimStatus = z.output<typeof instanceClaimStatus>;
export type InstanceClaim = NamespacedObject<InstanceClaimSpec, InstanceClaimStatus>;

export const instanceClaimKind: KindDefinition = {
  resource: instanceClaims,
  writtenBy: 'user',
  description:
    'A claim to one instance of an InstancePool, with a fresh volume, a kept one, or ' +
    'none. Deleting it releases them.',
  spec: instanceClaimSpec,
  status: instanceClaimStatus,
  rules: [
    {
      rule: 'size(self.metadata.name) <= 63',
      message: 'metadata.name must have at most 63 characters: it is written in labels',
    },
  ],
  selectableFields: ['.spec.instancePoolRef.name', '.status.phase'],
  columns: [
    column('Phase', '.status.phase', 'Where it is in its life.'),
    column('Instance', '.status.instance.name', 'The instance it owns.'),
    column('Address', '.status.instance.address', 'Private address of the instance.'),
    column('Volume', '.status.volume.name', 'The volume it owns.'),
    readyColumn,
    column('Pool', '.spec.instancePoolRef.name', 'The pool asked.', { wide: true }),
    column('Bind ms', '.status.bindLatencyMilliseconds', 'Milliseconds to Bound.', {
      type: 'integer',
      wide: true,
    }),
    column('Ready ms', '.status.readyLatencyMilliseconds', 'Milliseconds to Ready.', {
      type: 'integer',
      wide: true,
    }),
    messageColumn,
    ageColumn,
  ],
};
