// StorageBackend: a storage endpoint, probed and measured, for StoragePools to refer to.
import * as z from 'zod';
import {
  cephfsEndpoint,
  endpointAdvice,
  httpEndpoint,
  iscsiEndpoint,
  nfsEndpoint,
  s3Endpoint,
} from './backend-endpoints.ts';
import { ageColumn, column, type KindDefinition, messageColumn } from './kind.ts';
import type { NamespacedObject } from './object.ts';
import { probeMeasurements, storageBackendPhase } from './probe-result.ts';
import { storageBackends } from './resources.ts';
import { immutableRule, withRules } from './rules.ts';
import { nameReference, observed } from './status.ts';
import { dataKey, durationText, objectName, text } from './text.ts';

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

const credentialsSecretRef = nameReference('the Secret')
  .describe(
    'Credentials in a Secret of the same namespace. Keys: http `username` and `password`, or ' +
      '`token`, or `tls.crt` and `tls.key`; s3 `accessKeyId`, `secretAccessKey` and, where ' +
      'used, `sessionToken`; iscsi `username` and `password`, and `mutualUsername` and ' +
      '`mutualPassword`; cephfs `key`. Read anew for every probe.',
  )
  .optional();

const certificates = {
  caBundle: caBundle.describe('Certificates to trust besides the usual ones.').optional(),
};

const nodeName = objectName()
  .describe('The node that probes; left out, any ready node, and another when that one is lost.')
  .optional();

const shared = {
  probeInterval: durationText({ minimum: '5s', maximum: '24h' })
    .describe('Time between probes. A duration such as `1m`.')
    .default('1m'),
  probeTimeout: durationText({ minimum: '1s', maximum: '2m' })
    .describe('A probe that takes longer has failed. A duration such as `10s`.')
    .default('10s'),
  suspend: z.boolean().describe('Do not probe.').default(false),
};

export const storageBackendSpec = withRules(
  z.discriminatedUnion('type', [
    z.object({
      type: z.literal('nfs').describe('an NFS export'),
      nfs: nfsEndpoint.describe('The export.'),
      nodeName,
      ...shared,
    }),
    z.object({
      type: z.literal('http').describe('a web server'),
      http: httpEndpoint.describe('The server.'),
      credentialsSecretRef,
      ...certificates,
      ...shared,
    }),
    z.object({
      type: z.literal('s3').describe('a bucket of an S3 service'),
      s3: s3Endpoint.describe('The bucket.'),
      credentialsSecretRef,
      ...certificates,
      ...shared,
    }),
    z.object({
      type: z.literal('iscsi').describe('a logical unit of an iSCSI target'),
      iscsi: iscsiEndpoint.describe('The logical unit.'),
      credentialsSecretRef,
      nodeName,
      ...shared,
    }),
    z.object({
      type: z.literal('cephfs').describe('a Ceph filesystem'),
      cephfs: cephfsEndpoint.describe('The filesystem.'),
      credentialsSecretRef,
      nodeName,
      ...shared,
    }),
  ]),
  immutableRule('type', { path: 'spec', advice: endpointAdvice, optional: false }),
  ...[
    { branch: 'http', words: 'Basic, Bearer or ClientCertificate' },
    { branch: 'iscsi', words: 'CHAP or MutualCHAP' },
  ].flatMap(({ branch, words }) => [
    {
      rule:
        `!has(self.${branch}) || self.${branch}.authentication == 'None' || ` +
        'has(self.credentialsSecretRef)',
      message: `spec.credentialsSecretRef must be set when spec.${branch}.authentication is ${words}`,
      fieldPath: '.credentialsSecretRef',
      reason: 'FieldValueRequired' as const,
    },
    {
      rule:
        `!has(self.${branch}) || self.${branch}.authentication != 'None' || ` +
        '!has(self.credentialsSecretRef)',
      message:
        `spec.${branch}.authentication must say how spec.credentialsSecretRef is used: ${words}; ` +
        'or remove spec.credentialsSecretRef',
      fieldPath: `.${branch}.authentication`,
    },
  ]),
  {
    rule:
      "!has(self.http) || self.http.authentication != 'ClientCertificate' || " +
      "self.http.baseURL.startsWith('https://')",
    message:
      'spec.http.baseURL must begin with https:// when spec.http.authentication is ' +
      'ClientCertificate',
    fieldPath: '.http.baseURL',
  },
);

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
  ...probeMeasurements,
  mountPath: text(1024)
    .describe('Where the nodes of a StoragePool that uses it have it mounted.')
    .optional(),
  node: text(253).describe('The node that probes; absent for the operator itself.').optional(),
  users: z
    .array(text(512))
    .max(20)
    .describe('StoragePools that use it, 20 at most: while there are any it is not deleted.')
    .default([]),
  summary: z
    .object({
      used: text(32).describe('Such as `1.2 TiB (30%)`.').optional(),
      capacity: text(32).describe('Such as `4.0 TiB`.').optional(),
      files: text(32).describe('Such as `10000+`.').optional(),
      latency: text(32).describe('Such as `12 ms`.').optional(),
    })
    .describe('The numbers above for people.')
    .optional(),
});

export type { StorageBackendPhase } from './probe-result.ts';

export type StorageBackendSpec = z.output<typeof storageBackendSpec>;
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
    column('Files', '.status.summary.files', 'Files or objects.', { wide: true }),
    column('Node', '.status.node', 'Who probed.', { wide: true }),
    messageColumn,
    ageColumn,
  ],
};
