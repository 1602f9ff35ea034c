// PoolInstance: the record of one VM, written before the VM exists, and the holder of its binding.
import * as z from 'zod';
import { vmSize } from './azure-scope.ts';
import { commandRecords } from './command-record.ts';
import { ageColumn, column, type KindDefinition, messageColumn } from './kind.ts';
import { bindingRule, cloudResource, memberSpec, memberStatus } from './member.ts';
import type { NamespacedObject } from './object.ts';
import { poolInstances } from './resources.ts';
import { immutableFields, withRules } from './rules.ts';
import { integer, nonEmptyText, objectName, objectUid, text } from './text.ts';

export const poolInstanceSpec = immutableFields(
  withRules(
    z.object({
      ...memberSpec,
      templateRevision: nonEmptyText(64).describe(
        'Which template it is made from; another than that of the pool means out of date.',
      ),
      vmSize: vmSize().describe(
        "The size chosen from the template's list; another is chosen when Azure refuses it.",
      ),
      priority: z.enum(['Regular', 'Spot']).describe('Its priority.').default('Regular'),
    }),
    bindingRule,
  ),
  ['poolRef', 'ordinal', 'azure'],
  { path: 'spec', advice: 'it belongs to the record of one machine' },
);

export const poolInstancePhase = z.enum([
  'Pending',
  'Creating',
  'Free',
  'Claimed',
  'Releasing',
  'Deleting',
  'Failed',
  'Quarantined',
]);

const hookState = z.enum(['Running', 'Succeeded', 'Failed']);

export const poolInstanceStatus = z.object({
  phase: poolInstancePhase.describe(
    '`Pending`: recorded, Azure not asked yet. `Creating`: until verified in its warm ' +
      'state. `Free`, `Claimed`, `Releasing`, `Deleting`. `Failed`: about to be deleted. ' +
      '`Quarantined`: set aside, never handed out.',
  ),
  ...memberStatus,
  azure: z
    .object({
      ...cloudResource,
      powerState: text(64)
        .describe('As last seen, such as running, deallocated or starting.')
        .optional(),
      vmSize: text(64).describe('The size that it has.').optional(),
      privateAddress: text(64).describe('Its first private IPv4 address.').optional(),
      networkInterfaceIds: z
        .array(text(512))
        .max(8)
        .describe('ARM ids of its network interfaces.')
        .optional(),
      osDiskId: text(512).describe('ARM id of its OS disk.').optional(),
    })
    .describe('What Azure says of the VM.')
    .optional(),
  volumes: z
    .array(
      z.object({
        name: objectName().describe('The PoolVolume.'),
        uid: objectUid().describe('Its uid.'),
        resourceId: text(512).describe('ARM id of the disk.'),
        lun: integer(0, 63).describe('The logical unit it is attached at.'),
        orphaned: z
          .boolean()
          .describe('Its pool was deleted and let go of it: it has no record any more.')
          .optional(),
      }),
    )
    .max(16)
    .describe('The pooled disks attached to it.')
    .default([]),
  hooks: z
    .object({
      claimUid: objectUid().describe('The claim that they ran for.'),
      onClaim: hookState.describe('The hook of the claim.').optional(),
      onRelease: hookState.describe('The hook of the release.').optional(),
    })
    .describe("How far the pool's hooks are.")
    .optional(),
  commands: commandRecords('What ran in it: hooks and checks.', 8),
});

export type PoolInstanceSpec = z.output<typeof poolInstanceSpec>;
export type PoolInstancePhase = z.output<typeof poolInstancePhase>;
export type PoolInstanceStatus = z.output<typeof poolInstanceStatus>;
export type PoolInstance = NamespacedObject<PoolInstanceSpec, PoolInstanceStatus>;

export const poolInstanceKind: KindDefinition = {
  resource: poolInstances,
  writtenBy: 'operator',
  description:
    'One VM of an InstancePool. Written by the operator before the VM is made; deleting ' +
    'it retires the VM.',
  spec: poolInstanceSpec,
  status: poolInstanceStatus,
  selectableFields: ['.spec.poolRef.name', '.status.phase'],
  columns: [
    column('Pool', '.spec.poolRef.name', 'The pool it belongs to.'),
    column('Phase', '.status.phase', 'Where it is in its life.'),
    column('Claim', '.spec.claimRef.name', 'The claim that owns it.'),
    column('Address', '.status.azure.privateAddress', 'Private address.'),
    column('Zone', '.spec.azure.zone', 'Availability zone.'),
    column('Size', '.spec.vmSize', 'VM size.', { wide: true }),
    column('Power', '.status.azure.powerState', 'Power state as last seen.', { wide: true }),
    column('VM', '.status.azure.name', 'Name in Azure.', { wide: true }),
    messageColumn,
    ageColumn,
  ],
};
