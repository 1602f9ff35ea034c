// StorageBackend: a storage endpoint, probed and measured, for StoragePools to refer to.
import * as z from 'zod';
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
import { storageBackends } from './resources.ts';
import { immutableFields, immutableRule, setList, withRules } from './rules.ts';
import { nameReference, observed } from './status.ts';
import { byteCount, dataKey, durationText, integer, objectName, text, time } from './text.ts';

const advice = 'it says which storage this is; create another backend';

/** http(s) without credentials in it. */
function url() {
  return z
    .string()
    .max(2048)
    .regex(/^https?:\/\/[^\s/?#@]+(\/[^\s]*)?$/);
}

const nfs = immutableFields(
  z.object({
    server: nfsServer(),
    exportPath: nfsExportPath(),
    version: nfsVersion.describe('Protocol version.').default('4.1'),
    options: mountOptions()
      .describe('Further mount options, such as `["nconnect=4"]`.')
      .default([]),
  }),
  ['server', 'exportPath'],
  { path: 'spec.nfs', advice },
);

const http = immutableFields(
  z.object({
    baseURL: url().describe('What is asked for, such as `https://files.example.com/`.'),
    method: z
      .enum(['HEAD', 'GET'])
      .describe('`HEAD` falls back to a GET of one byte where the server refuses it.')
      .default('HEAD'),
    expectedStatusCodes: setList(z.array(integer(100, 599)).min(1).max(16))
      .describe('Answers that count as good; left out, any from 200 to 299.')
      .optional(),
  }),
  ['baseURL'],
  { path: 'spec.http', advice },
);

const s3 = immutableFields(
  z.object({
    endpoint: url().describe('The service, such as `https://s3.eu-west-1.amazonaws.com`.'),
    bucket: z
      .string()
      .min(3)
      .max(63)
      .regex(/^[a-z0-9][-a-z0-9.]*[a-z0-9]$/)
      .describe('The bucket.'),
    region: z
      .string()
      .min(1)
      .max(64)
      .regex(/^[a-z0-9-]+$/)
      .describe('The region that requests are signed for.')
      .default('us-east-1'),
    pathStyle: z
      .boolean()
      .describe('Name the bucket in the path (MinIO, Ceph), not in the host name.')
      .default(true),
  }),
  ['endpoint', 'bucket'],
  { path: 'spec.s3', advice },
);

const iscsi = immutableFields(
  z.object({ portal: iscsiPortal(), target: iscsiTarget(), lun: iscsiLun() }),
  ['portal', 'target', 'lun'],
  { path: 'spec.iscsi', advice },
);

const cephfs = immutableFields(
  z.object({
    ...cephFields,
    options: mountOptions().describe('Further mount options.').default([]),
  }),
  ['filesystemName', 'path'],
  { path: 'spec.cephfs', advice },
);

const caBundle = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('ConfigMap').describe('in a ConfigMap of the same namespace'),
    configMap: z
      .object({
        name: objectName().describe('The ConfigMap.'),
        key: dataKey().describe('The key in it.').default('ca.crt'),
      })
      .describe('Where the certificates are, in PEM.'),
  }),
  z.object({
    type: z.literal('Secret').describe('in a Secret of the same namespace'),
    secret: z
      .object({
        name: objectName().describe('The Secret.'),
        key: dataKey().describe('The key in it.').default('ca.crt'),
      })
      .describe('Where the certificates are, in PEM.'),
  }),
]);

const shared = {
  credentialsSecretRef: nameReference('the Secret')
    .describe(
      'Credentials in a Secret of the same namespace. Keys: http `username` and ' +
        '`password`, or `token`; s3 `accessKeyId`, `secretAccessKey` and, where used, ' +
        '`sessionToken`; iscsi `username` and `password` (CHAP); cephfs `key`.',
    )
    .optional(),
  caBundle: caBundle
    .describe('Certificates to trust besides the usual ones; for http and s3.')
    .optional(),
  probeInterval: durationText({ minimum: '5s', maximum: '24h' })
    .describe('Time between probes. A duration such as `1m`.')
    .default('1m'),
  probeTimeout: durationText({ minimum: '1s', maximum: '2m' })
    .describe('A probe that takes longer has failed. A duration such as `10s`.')
    .default('10s'),
  nodeName: objectName()
    .describe(
      'The node that probes; left out, the operator itself probes http and s3, and any ' +
        'ready node the others.',
    )
    .optional(),
  suspend: z.boolean().describe('Do not probe.').default(false),
};

export const storageBackendSpec = withRules(
  z.discriminatedUnion('type', [
    z.object({
      type: z.literal('nfs').describe('an NFS export'),
      nfs: nfs.describe('The export.'),
      ...shared,
    }),
    z.object({
      type: z.literal('http').describe('a web server'),
      http: http.describe('The server.'),
      ...shared,
    }),
    z.object({
      type: z.literal('s3').describe('a bucket of an S3 service'),
      s3: s3.describe('The bucket.'),
      ...shared,
    }),
    z.object({
      type: z.literal('iscsi').describe('a logical unit of an iSCSI target'),
      iscsi: iscsi.describe('The logical unit.'),
      ...shared,
    }),
    z.object({
      type: z.literal('cephfs').describe('a Ceph filesystem'),
      cephfs: cephfs.describe('The filesystem.'),
      ...shared,
    }),
  ]),
  immutableRule('type', { path: 'spec', advice, optional: false }),
);

export const storageBackendPhase = z.enum(['Online', 'Offline', 'Error', 'Unknown']);

export const storageBackendStatus = z.object({
  phase: storageBackendPhase
    .describe(
      '`Online`: the last probe succeeded. `Offline`: nothing answered. `Error`: ' +
        'something answered, but not as it should. `Unknown`: not probed yet, suspended, ' +
        'or no node can probe.',
    )
    .default('Unknown'),
  ...observed,
  message: text(4096).describe('What the last probe found.').optional(),
  usedBytes: byteCount().describe('Bytes in use, where the storage tells.').optional(),
  totalBytes: byteCount().describe('Capacity, where the storage tells.').optional(),
  availableBytes: byteCount().describe('Bytes that can still be written.').optional(),
  fileCount: z.int().min(0).describe('Files or objects, where the storage tells.').optional(),
  fileCountTruncated: z
    .boolean()
    .describe('True when counting was stopped before the end.')
    .optional(),
  mountPath: text(1024).describe('Where the probing node has it mounted.').optional(),
  lastProbeTime: time()
    .describe('A recent probe. Results are published when they change and every 10 minutes.')
    .optional(),
  lastProbeRequest: text(256)
    .describe('The value of the probe-requested-at annotation that was last answered.')
    .optional(),
  latencyMilliseconds: z
    .number()
    .min(0)
    .describe('How long the probe took to be answered.')
    .optional(),
  node: text(253).describe('The node that probed; absent for the operator itself.').optional(),
  summary: z
    .object({
      used: text(32).describe('Such as `1.2 TiB (30%)`.').optional(),
      capacity: text(32).describe('Such as `4.0 TiB`.').optional(),
      latency: text(32).describe('Such as `12 ms`.').optional(),
    })
    .describe('The numbers above for people.')
    .optional(),
});

export type StorageBackendSpec = z.output<typeof storageBackendSpec>;
export type StorageBackendPhase = z.output<typeof storageBackendPhase>;
export type StorageBackendStatus = z.output<typeof storageBackendStatus>;
export type StorageBackend = NamespacedObject<StorageBackendSpec, StorageBackendStatus>;

export const storageBackendKind: KindDefinition = {
  resource: storageBackends,
  writtenBy: 'user',
  description:
    'A storage endpoint that is probed and measured regularly, and that StoragePools may refer to.',
  spec: storageBackendSpec,
  status: storageBackendStatus,
  selectableFields: ['.spec.type', '.status.phase'],
  columns: [
    column('Type', '.spec.type', 'Kind of storage.'),
    column('State', '.status.phase', 'Result of the last probe.'),
    column('Latency', '.status.summary.latency', 'Time to answer.'),
    column('Used', '.status.summary.used', 'Bytes in use.'),
    column('Capacity', '.status.summary.capacity', 'Bytes in all.'),
    column('Last Probe', '.status.lastProbeTime', 'Age of the published probe.', { type: 'date' }),
    column('Node', '.status.node', 'Who probed.', { wide: true }),
    messageColumn,
    ageColumn,
  ],
};
