// StoragePool: a filesystem on one node (mdadm, iscsi) or on every matching one (local, nfs,
// cephfs).
import * as z from 'zod';
import { commandRecords } from './command-record.ts';
import { arrayStatus, capacity, drives, filesystem, mkfsOptions, wipes } from './disk.ts';
import {
  ageColumn,
  column,
  type KindDefinition,
  messageColumn,
  poolNameRule,
  readyColumn,
} from './kind.ts';
import { leaseAttachment, leasedVolumes } from './leased-volume.ts';
import { mdadmPool } from './mdadm-pool.ts';
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
import { storagePools } from './resources.ts';
import { backendOrInline, immutableFields, immutableRule, withRules } from './rules.ts';
import { nameReference, observed, progress } from './status.ts';
import { absolutePath, objectName, text, time } from './text.ts';

const advice = 'create another pool';

const localBranch = immutableFields(
  z.object({
    path: absolutePath().describe('A directory that is there already, such as `/mnt/data`.'),
  }),
  ['path'],
  { path: 'spec.local', advice },
);

function backendReference(type: string) {
  return nameReference('the StorageBackend')
    .describe(`A StorageBackend of type ${type} that says where the storage is.`)
    .optional();
}

const nfsBranch = withRules(
  immutableFields(
    z.object({
      backendRef: backendReference('nfs'),
      server: nfsServer().optional(),
      exportPath: nfsExportPath().optional(),
      version: nfsVersion
        .describe("Protocol version; with backendRef the backend's is used.")
        .default('4.1'),
      options: mountOptions()
        .describe('Further mount options; with backendRef added to those of the backend.')
        .default([]),
    }),
    ['backendRef', 'server', 'exportPath'],
    { path: 'spec.nfs', advice },
  ),
  backendOrInline('spec.nfs', ['server', 'exportPath']),
);

function credentials(keys: string) {
  return nameReference('the Secret')
    .describe(`Credentials in a Secret of the same namespace (${keys}).`)
    .optional();
}

const cephfsBranch = withRules(
  immutableFields(
    z.object({
      backendRef: backendReference('cephfs'),
      monitors: cephFields.monitors.optional(),
      filesystemName: cephFields.filesystemName.unwrap().optional(),
      path: cephFields.path.unwrap().optional(),
      user: cephFields.user.unwrap().optional(),
      credentialsSecretRef: credentials('key `key`'),
      options: mountOptions().describe('Further mount options.').default([]),
    }),
    ['backendRef', 'filesystemName', 'path'],
    { path: 'spec.cephfs', advice },
  ),
  backendOrInline('spec.cephfs', ['monitors', 'filesystemName', 'path', 'user']),
);

const iscsiBranch = withRules(
  immutableFields(
    z.object({
      nodeName: objectName().describe(
        'The one node that mounts it. A change moves it: the new node waits until the ' +
          'old one has logged out, or is proven to be off.',
      ),
      backendRef: backendReference('iscsi'),
      portal: iscsiPortal().optional(),
      target: iscsiTarget().optional(),
      lun: iscsiLun().optional(),
      credentialsSecretRef: credentials(
        'CHAP: keys `username` and `password`, and `mutualUsername` and `mutualPassword` where ' +
          'the target is to prove itself too',
      ),
      filesystem: filesystem
        .describe(
          'The filesystem. A blank unit is formatted, one that has this filesystem is ' +
            'mounted as it is, any other content is refused.',
        )
        .default('ext4'),
      mkfsOptions: mkfsOptions().optional(),
      options: mountOptions().describe('Further mount options.').default([]),
    }),
    ['backendRef', 'portal', 'target', 'lun', 'filesystem'],
    { path: 'spec.iscsi', advice },
  ),
  backendOrInline('spec.iscsi', ['portal', 'target', 'lun']),
);

const shared = {
  nodeSelector: z
    .record(z.string().max(317), text(63))
    .meta({ maxProperties: 16 })
    .describe(
      'Labels of the nodes that get it; left out, every node. For local, nfs and cephfs; ' +
        'mdadm and iscsi name their node.',
    )
    .optional(),
  mountPath: absolutePath()
    .describe(
      "Where it is mounted, under the `mounts` folder of the agent's root; default: " +
        '`<root>/mounts/<namespace>/<name>`, shown in status.mountPath.',
    )
    .optional(),
  deletionPolicy: z
    .enum(['Retain', 'Destroy'])
    .describe(
      'What deleting the pool does. `Retain`: unmount and stop; the bytes stay and can ' +
        'be adopted. `Destroy`: also erase the superblocks; needs confirmDestroy. A pool ' +
        'that never became Active leaves nothing behind either way.',
    )
    .default('Retain'),
  confirmDestroy: text(253)
    .describe("The pool's own name, to confirm deletionPolicy Destroy.")
    .optional(),
  expose: z
    .object({
      storageClassName: objectName().describe('The storage class of the PersistentVolumes.'),
    })
    .describe(
      'Offer it to pods as PersistentVolumes of this class: one per node, for nfs a single one ' +
        'that every node can mount. What is bound is protected: the pool waits for it.',
    )
    .optional(),
};

export const storagePoolSpec = withRules(
  z.discriminatedUnion('type', [
    z.object({
      type: z.literal('local').describe('a directory of the node, measured and watched'),
      local: localBranch.describe('The directory.'),
      ...shared,
    }),
    z.object({
      type: z.literal('mdadm').describe('a software RAID of disks of one node'),
      mdadm: mdadmPool.describe('The array.'),
      ...shared,
    }),
    z.object({
      type: z.literal('nfs').describe('an NFS export'),
      nfs: nfsBranch.describe('The export.'),
      ...shared,
    }),
    z.object({
      type: z.literal('cephfs').describe('a Ceph filesystem'),
      cephfs: cephfsBranch.describe('The filesystem.'),
      ...shared,
    }),
    z.object({
      type: z.literal('iscsi').describe('a logical unit of an iSCSI target, on one node'),
      iscsi: iscsiBranch.describe('The logical unit.'),
      ...shared,
    }),
  ]),
  immutableRule('type', { path: 'spec', advice, optional: false }),
  immutableRule('mountPath', { path: 'spec', advice, optional: true }),
  {
    rule: "!has(self.mountPath) || self.type != 'local'",
    message: 'spec.mountPath must not be set for local: the directory is spec.local.path',
    fieldPath: '.mountPath',
  },
  {
    rule: "!has(self.nodeSelector) || self.type in ['local', 'nfs', 'cephfs']",
    message: 'spec.nodeSelector must not be set for mdadm and iscsi: they have nodeName',
    fieldPath: '.nodeSelector',
  },
);

export const storagePoolPhase = z.enum([
  'Pending',
  'Creating',
  'Active',
  'Degraded',
  'Rebuilding',
  'Failed',
  'Unknown',
  'Deleting',
]);

export const storagePoolStatus = z.object({
  phase: storagePoolPhase
    .describe(
      '`Pending`: waits for something. `Creating`. `Active`: may be used. `Degraded`: ' +
        'may be used, lacks redundancy. `Rebuilding`: redundancy is being restored. ' +
        '`Failed`. `Unknown`: the agent has not reported. `Deleting`.',
    )
    .optional(),
  ...observed,
  ...capacity,
  mountPath: text(1024).describe('Where it is mounted.').optional(),
  activeSince: time()
    .describe('When it first became Active; from then on deletionPolicy protects its bytes.')
    .optional(),
  array: arrayStatus.describe('The array, for type mdadm.').optional(),
  drives,
  volumes: leasedVolumes,
  attachment: leaseAttachment.optional(),
  wipes,
  nodes: z
    .object({
      ready: memberOfNodes('Nodes that have it mounted.'),
      total: memberOfNodes('Nodes that should.'),
      failed: z
        .array(
          z.object({
            name: text(253).describe('The node.'),
            message: text(1024).describe('What is wrong there.'),
          }),
        )
        .max(32)
        .describe('Nodes where it failed; 32 at most.')
        .default([]),
    })
    .describe('How many nodes have it.')
    .optional(),
  progress: progress.describe('What is being done.').optional(),
  summary: z
    .object({
      node: text(253).describe('The node, or such as `3/3`.').optional(),
      size: text(32).describe('Such as `1.0 TiB`.').optional(),
      used: text(32).describe('Such as `37%`.').optional(),
      progress: text(64).describe('Such as `resync 42%`.').optional(),
    })
    .describe('The most asked-for facts for people.')
    .optional(),
  leftBehind: z
    .array(text(512))
    .max(32)
    .describe('What may still be on machines that went away before they were cleaned.')
    .default([]),
  commands: commandRecords('What ran on the nodes for this pool.'),
});

function memberOfNodes(description: string) {
  return z.int().min(0).describe(description).default(0);
}

export type StoragePoolSpec = z.output<typeof storagePoolSpec>;
export type StoragePoolPhase = z.output<typeof storagePoolPhase>;
export type StoragePoolStatus = z.output<typeof storagePoolStatus>;
export type StoragePool = NamespacedObject<StoragePoolSpec, StoragePoolStatus>;

export const storagePoolKind: KindDefinition = {
  resource: storagePools,
  writtenBy: 'user',
  description:
    'A filesystem that is made and kept on nodes: software RAID, NFS, CephFS, iSCSI, or ' +
    'a local directory.',
  spec: storagePoolSpec,
  status: storagePoolStatus,
  rules: [
    poolNameRule,
    {
      rule:
        "self.spec.deletionPolicy != 'Destroy' || (has(self.spec.confirmDestroy) && " +
        'self.spec.confirmDestroy == self.metadata.name)',
      message:
        'spec.confirmDestroy must be set to the name of this pool when deletionPolicy is ' +
        'Destroy: deleting the pool then erases its disks',
      fieldPath: '.spec.confirmDestroy',
    },
  ],
  selectableFields: ['.spec.type', '.status.phase'],
  columns: [
    column('Type', '.spec.type', 'Kind of storage.'),
    column('Node', '.status.summary.node', 'The node, or how many have it.'),
    column('Phase', '.status.phase', 'Where it is in its life.'),
    column('Size', '.status.summary.size', 'Size of the filesystem.'),
    column('Used', '.status.summary.used', 'Part in use.'),
    column('Progress', '.status.summary.progress', 'What is being done.'),
    readyColumn,
    column('Path', '.status.mountPath', 'Where it is mounted.', { wide: true }),
    messageColumn,
    ageColumn,
  ],
};
