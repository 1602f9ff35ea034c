// BackendProbe: which node probes a storage backend, and what its agent found. The controller writes
// the spec and deletes it; the agent of the node writes the status and nothing else. One per backend
// and of the same name, so that the API server itself keeps a second prober away.
import * as z from 'zod';
import { cephfsEndpoint, iscsiEndpoint, nfsEndpoint } from './backend-endpoints.ts';
import { ageColumn, column, type KindDefinition, messageColumn } from './kind.ts';
import type { NamespacedObject } from './object.ts';
import { probeMeasurements, storageBackendPhase } from './probe-result.ts';
import { backendProbes } from './resources.ts';
import { immutableRule, withRules } from './rules.ts';
import { nameReference, observed, uidReference } from './status.ts';
import { durationText, objectName, text } from './text.ts';

const advice = 'it belongs to the record of one prober';

const credentialsSecretRef = nameReference('the Secret')
  .describe('That there are credentials; the agent asks the controller for them.')
  .optional();

const shared = {
  backendRef: uidReference.describe('The StorageBackend, in the same namespace.'),
  nodeName: objectName().describe('The node whose agent probes.'),
  interval: durationText({ minimum: '5s', maximum: '24h' }).describe('Time between probes.'),
  timeout: durationText({ minimum: '1s', maximum: '2m' }).describe('The most a probe may take.'),
  request: text(256).describe('Another value probes at once.').optional(),
  credentialsVersion: text(256)
    .describe(
      'Which version of the Secret was seen last, once it has changed. Another one probes at once.',
    )
    .optional(),
};

export const backendProbeSpec = withRules(
  z.discriminatedUnion('type', [
    z.object({
      type: z.literal('nfs').describe('an NFS export'),
      nfs: nfsEndpoint.describe('The export.'),
      ...shared,
    }),
    z.object({
      type: z.literal('iscsi').describe('a logical unit of an iSCSI target'),
      iscsi: iscsiEndpoint.describe('The logical unit.'),
      credentialsSecretRef,
      ...shared,
    }),
    z.object({
      type: z.literal('cephfs').describe('a Ceph filesystem'),
      cephfs: cephfsEndpoint.describe('The filesystem.'),
      credentialsSecretRef,
      ...shared,
    }),
  ]),
  ...['type', 'nodeName', 'backendRef'].map((field) =>
    immutableRule(field, { path: 'spec', advice, optional: false }),
  ),
);

export const backendProbeStatus = z.object({
  phase: storageBackendPhase.describe('As in the StorageBackend.').default('Unknown'),
  ...observed,
  ...probeMeasurements,
});

export type BackendProbeSpec = z.output<typeof backendProbeSpec>;
export type BackendProbeStatus = z.output<typeof backendProbeStatus>;
export type BackendProbe = NamespacedObject<BackendProbeSpec, BackendProbeStatus>;

export const backendProbeKind: KindDefinition = {
  resource: backendProbes,
  writtenBy: 'operator',
  description:
    'Which node probes a storage backend: written by the operator, answered by the agent of ' +
    'that node.',
  spec: backendProbeSpec,
  status: backendProbeStatus,
  selectableFields: ['.spec.nodeName'],
  columns: [
    column('Type', '.spec.type', 'Kind of storage.'),
    column('Node', '.spec.nodeName', 'Who probes.'),
    column('State', '.status.phase', 'Result of the last probe.'),
    column('Last Probe', '.status.lastProbeTime', 'Age of the published probe.', { type: 'date' }),
    messageColumn,
    ageColumn,
  ],
};
