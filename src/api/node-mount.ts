// NodeMount: one piece of storage that the agent of one node must make real, and what came of it.
// The controller writes the spec and the finalizer; the agent writes the status and nothing else.
import * as z from 'zod';
import { commandRecords } from './command-record.ts';
import {
  arrayMembersMaximum,
  arrayStatus,
  capacity,
  chunkKiB,
  drives,
  filesystem,
  mkfsOptions,
  mountedDisk,
  raidLevel,
  scrubInterval,
  uuid,
  wipes,
} from './disk.ts';
import { ageColumn, column, type KindDefinition, messageColumn } from './kind.ts';
import {
  cephFields,
  iscsiLun,
  iscsiPortal,
  iscsiTarget,
  mountOptions,
  nfsExportPath,
  nfsServer,
  nfsVersion,
} from './network-storage.ts';
import type { NamespacedObject } from './object.ts';
import { nodeMounts } from './resources.ts';
import { immutableFields, immutableRule, withRules } from './rules.ts';
import { history, lastError, nameReference, observed, progress, uidReference } from './status.ts';
import { absolutePath, integer, objectName, objectUid, text, time } from './text.ts';

const advice = 'it belongs to the record of one mount';

const options = mountOptions().describe('Further mount options.').default([]);

const credentialsSecretRef = nameReference('the Secret')
  .describe('That there are credentials; the agent asks the controller for them.')
  .optional();

/** Changes with the Secret, so that the agent notices; says nothing about what is in it. */
const credentialsVersion = text(64)
  .describe('Another value whenever the Secret has changed.')
  .optional();

const mdadm = immutableFields(
  z.object({
    arrayName: z
      .string()
      .min(1)
      .max(32)
      .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/)
      .describe('Name of the array in its superblocks.'),
    level: raidLevel.describe('RAID level.'),
    devices: z
      .array(mountedDisk)
      .max(arrayMembersMaximum)
      .describe('The disks, spares last; empty for an adopted array.')
      .default([]),
    spares: integer(0, 8).describe('So many of the disks are spares.').default(0),
    adoptArrayUUID: uuid()
      .describe('The array that is there already; left out, the UUID derives from poolRef.uid.')
      .optional(),
    filesystem: filesystem.describe('The filesystem on the array.').default('ext4'),
    chunkKiB: chunkKiB().optional(),
    mkfsOptions: mkfsOptions().optional(),
    scrubInterval: scrubInterval().optional(),
    scrubRequestedAt: text(64)
      .describe('The annotation of the pool: a value not seen before starts a scrub.')
      .optional(),
    options,
  }),
  ['arrayName', 'level', 'adoptArrayUUID', 'filesystem'],
  { path: 'spec.mdadm', advice },
);

const shared = {
  nodeName: objectName().describe('The node whose agent makes it.'),
  nodeUid: objectUid()
    .describe('Uid of that Node: a new machine of the same name is another.')
    .optional(),
  poolRef: uidReference.describe('The StoragePool it is made for, in the same namespace.'),
  mountPath: absolutePath()
    .describe(
      "Where it is mounted: under the `mounts` folder of the agent's root, unless it is a local directory.",
    )
    .optional(),
  deletionPolicy: z
    .enum(['Retain', 'Destroy'])
    .describe('What deleting it does to the bytes, as in the StoragePool.')
    .default('Retain'),
  holdsData: z
    .boolean()
    .describe(
      'True once the pool has been Active: from then on nothing is erased unless ' +
        'deletionPolicy is Destroy, even if this object was lost and made again.',
    )
    .default(false),
};

export const nodeMountSpec = withRules(
  z.discriminatedUnion('type', [
    z.object({
      type: z.literal('local').describe('a directory of the node'),
      local: z
        .object({ path: absolutePath().describe('The directory.') })
        .describe('The directory.'),
      ...shared,
    }),
    z.object({
      type: z.literal('mdadm').describe('a software RAID'),
      mdadm: mdadm.describe('The array.'),
      ...shared,
    }),
    z.object({
      type: z.literal('nfs').describe('an NFS export'),
      nfs: z
        .object({
          server: nfsServer(),
          exportPath: nfsExportPath(),
          version: nfsVersion.describe('Protocol version.').default('4.1'),
          options,
        })
        .describe('The export.'),
      ...shared,
    }),
    z.object({
      type: z.literal('cephfs').describe('a Ceph filesystem'),
      cephfs: z
        .object({ ...cephFields, credentialsSecretRef, credentialsVersion, options })
        .describe('The filesystem.'),
      ...shared,
    }),
    z.object({
      type: z.literal('iscsi').describe('a logical unit of an iSCSI target'),
      iscsi: z
        .object({
          portal: iscsiPortal(),
          target: iscsiTarget(),
          lun: iscsiLun(),
          credentialsSecretRef,
          credentialsVersion,
          filesystem: filesystem.describe('The filesystem on it.').default('ext4'),
          mkfsOptions: mkfsOptions().optional(),
          options,
        })
        .describe('The logical unit.'),
      ...shared,
    }),
  ]),
  ...['type', 'nodeName', 'poolRef'].map((field) =>
    immutableRule(field, { path: 'spec', advice, optional: false }),
  ),
  ...['nodeUid', 'mountPath'].map((field) =>
    immutableRule(field, { path: 'spec', advice, optional: true }),
  ),
  {
    rule: '!oldSelf.holdsData || self.holdsData',
    message: 'spec.holdsData cannot become false again: the bytes are still there',
    fieldPath: '.holdsData',
    reason: 'FieldValueForbidden',
  },
);

export const nodeMountPhase = z.enum([
  'Pending',
  'Preparing',
  'Formatting',
  'Mounting',
  'Mounted',
  'Degraded',
  'Rebuilding',
  'Failed',
  'Unknown',
  'Unmounting',
  'Released',
]);

export const nodeMountStatus = z.object({
  phase: nodeMountPhase
    .describe(
      '`Pending`: waits for something. `Preparing`: disks and array. `Formatting`, ' +
        '`Mounting`. `Mounted`; `Degraded` and `Rebuilding` are mounted too. `Failed`. ' +
        '`Unknown`: mounted, but its server does not answer. `Unmounting`: being undone. ' +
        '`Released`: undone; the controller may let the object go.',
    )
    .optional(),
  ...observed,
  mountPath: text(1024).describe('Where it is mounted.').optional(),
  filesystem: z
    .object({
      type: text(32).describe('Such as ext4, xfs, nfs4 or ceph.'),
      uuid: text(64).describe('UUID of the filesystem.').optional(),
      source: text(512).describe('The device or export that is mounted.').optional(),
    })
    .describe('The mounted filesystem.')
    .optional(),
  ...capacity,
  fileCount: z.int().min(0).describe('Files, where the filesystem tells.').optional(),
  array: arrayStatus.describe('The array, for type mdadm.').optional(),
  drives,
  progress: progress.describe('The step under way.').optional(),
  firstMountedAt: time()
    .describe('When it was first mounted; before that, deleting it erases what was begun.')
    .optional(),
  wipes,
  leftBehind: z
    .array(text(512))
    .max(32)
    .describe('What could not be undone, and the commands that would.')
    .default([]),
  attempts: z
    .int()
    .min(0)
    .describe('Failed attempts at the present step; each makes the next wait longer.')
    .default(0),
  lastError: lastError.describe('The error of the last failed attempt.').optional(),
  history,
  commands: commandRecords('What the agent ran.'),
});

export type NodeMountSpec = z.output<typeof nodeMountSpec>;
export type NodeMountPhase = z.output<typeof nodeMountPhase>;
export type NodeMountStatus = z.output<typeof nodeMountStatus>;
export type NodeMount = NamespacedObject<NodeMountSpec, NodeMountStatus>;

export const nodeMountKind: KindDefinition = {
  resource: nodeMounts,
  writtenBy: 'operator',
  description:
    'One piece of storage on one node: written by the operator, made real and reported ' +
    'by the agent of that node.',
  spec: nodeMountSpec,
  status: nodeMountStatus,
  selectableFields: ['.spec.nodeName', '.spec.poolRef.name', '.status.phase'],
  columns: [
    column('Node', '.spec.nodeName', 'The node.'),
    column('Type', '.spec.type', 'Kind of storage.'),
    column('Phase', '.status.phase', 'Where it is in its life.'),
    column('Progress', '.status.progress.message', 'The step under way.'),
    column('Path', '.status.mountPath', 'Where it is mounted.'),
    column('Pool', '.spec.poolRef.name', 'The pool it is made for.', { wide: true }),
    messageColumn,
    ageColumn,
  ],
};
