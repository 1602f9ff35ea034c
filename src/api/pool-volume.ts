// PoolVolume: the record of one disk, written before the disk exists, and holder of its binding.
import * as z from 'zod';
import { ageColumn, column, type KindDefinition, messageColumn } from './kind.ts';
import { bindingRule, cloudResource, memberSpec, memberStatus } from './member.ts';
import type { NamespacedObject } from './object.ts';
import { poolVolumes } from './resources.ts';
import { immutableFields, withRules } from './rules.ts';
import { claimReference, uidReference } from './status.ts';
import { integer, nonEmptyText, objectName, text, time } from './text.ts';
import { reclaimPolicy, volumeSizeGiB, volumeSku } from './volume-pool.ts';

export const poolVolumeSpec = immutableFields(
  withRules(
    z.object({
      ...memberSpec,
      sizeGiB: volumeSizeGiB.describe('Its size in GiB.'),
      sku: volumeSku.describe('Its kind of storage.'),
      source: z
        .object({
          snapshotId: text(512)
            .describe('ARM id of the golden snapshot it is a copy of; left out, it is made empty.')
            .optional(),
          version: nonEmptyText(128).describe(
            "The snapshot's version; another than that of the pool means out of date.",
          ),
        })
        .describe('What it is a copy of.'),
      instanceRef: uidReference
        .describe(
          'The PoolInstance that it is, or is to be, attached to: the one authority for that.',
        )
        .optional(),
      node: z
        .object({
          name: objectName().describe('The node.'),
          machineId: nonEmptyText(512).describe('ARM id of the VM that the node runs on.'),
        })
        .describe(
          'The node whose VM it is, or is to be, attached to; claimRef then names a StoragePool.',
        )
        .optional(),
      releasedAs: reclaimPolicy
        .describe(
          'What the StoragePool that let go of it decided over its bytes; goes before the ' +
            'reclaimPolicy of its VolumePool.',
        )
        .optional(),
      exposedTo: claimReference
        .describe(
          'A claim whose machine ran with the disk attached though the claim did not own it. It is ' +
            'never handed out, and deleted whatever the reclaimPolicy says: nobody owns its bytes.',
        )
        .optional(),
    }),
    bindingRule,
  ),
  ['poolRef', 'ordinal', 'azure', 'sizeGiB', 'sku', 'source'],
  { path: 'spec', advice: 'it belongs to the record of one disk' },
);

export const poolVolumePhase = z.enum([
  'Pending',
  'Creating',
  'Free',
  'Attaching',
  'Attached',
  'Detaching',
  'Retained',
  'Deleting',
  'Failed',
  'Quarantined',
]);

export const poolVolumeStatus = z.object({
  phase: poolVolumePhase.describe(
    '`Pending`: recorded, Azure not asked yet. `Creating`. `Free`: ready, never used. ' +
      '`Attaching`, `Attached`, `Detaching`. `Retained`: released, kept with its bytes. ' +
      '`Deleting`. `Failed`: about to be deleted. `Quarantined`: set aside, never handed ' +
      'out.',
  ),
  ...memberStatus,
  azure: z
    .object({
      ...cloudResource,
      diskState: text(64)
        .describe('As last seen, such as Unattached, Attached or Reserved.')
        .optional(),
      managedBy: text(512).describe('ARM id of the VM that holds it, as last seen.').optional(),
      completionPercent: integer(0, 100)
        .describe('How much of the snapshot is copied; the disk may be used before it is 100.')
        .optional(),
    })
    .describe('What Azure says of the disk.')
    .optional(),
  lun: integer(0, 63).describe('The logical unit it is, or is to be, attached at.').optional(),
  reclaimPolicy: reclaimPolicy
    .describe(
      "The pool's reclaimPolicy when the claim was released. It decides over the bytes; a later " +
        'change of the pool does not.',
    )
    .optional(),
  attachedAt: time().describe('When it was attached.').optional(),
});

export type PoolVolumeSpec = z.output<typeof poolVolumeSpec>;
export type PoolVolumePhase = z.output<typeof poolVolumePhase>;
export type PoolVolumeStatus = z.output<typeof poolVolumeStatus>;
export type PoolVolume = NamespacedObject<PoolVolumeSpec, PoolVolumeStatus>;

export const poolVolumeKind: KindDefinition = {
  resource: poolVolumes,
  writtenBy: 'operator',
  description:
    'One disk of a VolumePool. Written by the operator before the disk is made; deleting ' +
    'it retires the disk.',
  spec: poolVolumeSpec,
  status: poolVolumeStatus,
  selectableFields: ['.spec.poolRef.name', '.status.phase'],
  columns: [
    column('Pool', '.spec.poolRef.name', 'The pool it belongs to.'),
    column('Phase', '.status.phase', 'Where it is in its life.'),
    column('Claim', '.spec.claimRef.name', 'The claim that owns it.'),
    column('Instance', '.spec.instanceRef.name', 'The instance it is attached to.'),
    column('Node', '.spec.node.name', 'The node it is attached to.', { wide: true }),
    column('Zone', '.spec.azure.zone', 'Availability zone.'),
    column('GiB', '.spec.sizeGiB', 'Size in GiB.', { type: 'integer' }),
    column('Version', '.spec.source.version', 'Golden snapshot version.', { wide: true }),
    column('Disk', '.status.azure.name', 'Name in Azure.', { wide: true }),
    messageColumn,
    ageColumn,
  ],
};
