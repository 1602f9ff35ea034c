// Schemas of the core group's resources, for explain, server-side apply and strategic merge.
import {
  anything,
  bytes,
  flag,
  listByKey,
  listOf,
  mapOf,
  openRecord,
  quantity,
  record,
  setOf,
  text,
  time,
  whole,
} from '../../schema/builders.ts';
import { conditions, kindSchema, labelSelector, objectReference } from './metadata.ts';

const localReference = {
  ...record({ name: text('Name of the referent.') }),
  'x-kubernetes-map-type': 'atomic' as const,
};

export const namespaceSchema = kindSchema('Namespace provides a scope for names.', {
  spec: record(
    { finalizers: listOf(text(), 'Must be empty before the namespace is removed.') },
    'Behaviour of the namespace.',
  ),
  status: record(
    { phase: text('Active or Terminating.'), conditions },
    'The current state of the namespace.',
  ),
});

export const configMapSchema = kindSchema('ConfigMap holds configuration data for pods.', {
  data: mapOf(text(), 'The configuration data, as text.'),
  binaryData: mapOf(bytes(), 'The configuration data, in base64.'),
  immutable: flag('Whether data and binaryData may not change any more.'),
});

export const secretSchema = kindSchema('Secret holds secret data of a certain type.', {
  data: mapOf(bytes(), 'The secret data, in base64.'),
  stringData: mapOf(text(), 'Write-only: merged into data as base64.'),
  type: text('Tells programs what the secret is for.'),
  immutable: flag('Whether data may not change any more.'),
});

export const serviceAccountSchema = kindSchema('ServiceAccount is an identity for processes.', {
  secrets: listByKey(objectReference, ['name'], 'Secrets that pods of this account may use.'),
  imagePullSecrets: listOf(localReference, 'Secrets for pulling images.'),
  automountServiceAccountToken: flag('Whether pods get a token mounted.'),
});

const taint = record(
  {
    key: text(),
    value: text(),
    effect: text('NoSchedule, PreferNoSchedule or NoExecute.'),
    timeAdded: time(),
  },
  '',
  ['key', 'effect'],
);

export const nodeSchema = kindSchema('Node is a worker machine of the cluster.', {
  spec: openRecord(
    {
      podCIDR: text('The addresses of pods on this node.'),
      podCIDRs: setOf(text(), 'The addresses of pods on this node.'),
      providerID: text('ID of the node at its cloud provider: <name>://<id>.'),
      unschedulable: flag('Whether new pods may not be placed here.'),
      taints: listOf(taint, "The node's taints."),
    },
    'Behaviour of the node.',
  ),
  status: openRecord(
    {
      addresses: listByKey(
        record({ type: text(), address: text() }, '', ['type', 'address']),
        ['type', 'address'],
        'Addresses by which the node can be reached.',
      ),
      allocatable: mapOf(quantity(), 'Resources available for pods.'),
      capacity: mapOf(quantity(), 'Resources of the node.'),
      conditions,
      nodeInfo: anything('Versions of the software on the node.'),
      phase: text('Deprecated.'),
    },
    'The current state of the node.',
  ),
});

const nodeAffinity = openRecord(
  { required: anything('Node selector that must hold.') },
  'Which nodes the volume can be reached from.',
);

export const persistentVolumeSchema = kindSchema('PersistentVolume is a piece of storage.', {
  spec: openRecord(
    {
      accessModes: listOf(text(), 'All the ways the volume can be mounted.'),
      capacity: mapOf(quantity(), 'The resources of the volume.'),
      claimRef: { ...objectReference, 'x-kubernetes-map-type': 'granular' },
      local: openRecord({ path: text('Path on the node.'), fsType: text() }, 'A local disk.'),
      nfs: record({ server: text(), path: text(), readOnly: flag() }, 'An NFS export.'),
      mountOptions: listOf(text(), 'Options of the mount.'),
      nodeAffinity,
      persistentVolumeReclaimPolicy: text('Retain, Delete or Recycle.'),
      storageClassName: text('Name of the StorageClass.'),
      volumeMode: text('Filesystem or Block.'),
    },
    'What the volume is.',
  ),
  status: record(
    {
      phase: text('Available, Bound, Released or Failed.'),
      message: text('Why the volume is in this state.'),
      reason: text('The failure in one word.'),
      lastPhaseTransitionTime: time('When the phase last changed.'),
    },
    'The current state of the volume.',
  ),
});

export const persistentVolumeClaimSchema = kindSchema(
  'PersistentVolumeClaim is a request for a persistent volume.',
  {
    spec: openRecord(
      {
        accessModes: listOf(text(), 'The ways the volume shall be mountable.'),
        resources: record({ limits: mapOf(quantity()), requests: mapOf(quantity()) }),
        selector: labelSelector,
        storageClassName: text('Name of the StorageClass.'),
        volumeMode: text('Filesystem or Block.'),
        volumeName: text('The volume that backs this claim.'),
      },
      'What the claim asks for.',
    ),
    status: openRecord(
      {
        accessModes: listOf(text()),
        capacity: mapOf(quantity(), 'The resources of the bound volume.'),
        conditions,
        phase: text('Pending, Bound or Lost.'),
      },
      'The current state of the claim.',
    ),
  },
);

export const serviceSchema = kindSchema('Service is a name and address for a set of pods.', {
  spec: openRecord(
    {
      clusterIP: text('The address, or None.'),
      ports: listByKey(
        openRecord({
          name: text(),
          port: whole('The port that is exposed.'),
          protocol: { type: 'string', default: 'TCP' },
          targetPort: quantity('The port of the pods.'),
        }),
        ['port', 'protocol'],
        'The ports that are exposed.',
      ),
      selector: {
        ...mapOf(text(), 'Labels of the pods.'),
        'x-kubernetes-map-type': 'atomic',
      },
      type: text('ClusterIP, NodePort, LoadBalancer or ExternalName.'),
    },
    'What the service is.',
  ),
  status: openRecord({ conditions }, 'The current state of the service.'),
});
