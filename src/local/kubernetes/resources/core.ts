// The core group, as far as storage pools, warm pools and everyday kubectl need it.
import { asArray, asObject, asString, getPath } from '../objects/json.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import {
  ageColumn,
  conditionStatus,
  countColumn,
  nameColumn,
  pathColumn,
  textColumn,
} from './columns.ts';
import {
  claimRules,
  configMapRules,
  namespaceRules,
  podRules,
  secretRules,
  volumeRules,
} from './core-rules.ts';
import { defineResource } from './define.ts';
import type { ResourceType } from './resource-type.ts';
import {
  configMapSchema,
  namespaceSchema,
  nodeSchema,
  persistentVolumeClaimSchema,
  persistentVolumeSchema,
  secretSchema,
  serviceAccountSchema,
  serviceSchema,
} from './schemas/core.ts';
import { podSchema } from './schemas/pods.ts';

const core = { group: '', version: 'v1' };

function nodeStatus(node: KubeObject): string {
  const ready = conditionStatus(node, 'Ready');
  const words = [ready === 'True' ? 'Ready' : ready === '' ? 'Unknown' : 'NotReady'];
  if (getPath(node, ['spec', 'unschedulable'])) words.push('SchedulingDisabled');
  return words.join(',');
}

function nodeRoles(node: KubeObject): string {
  const prefix = 'node-role.kubernetes.io/';
  const labels = Object.keys(node.metadata.labels ?? {});
  const roles = labels.filter((label) => label.startsWith(prefix));
  return roles.map((role) => role.slice(prefix.length)).join(',') || '<none>';
}

function nodeAddress(node: KubeObject, type: string): string {
  const addresses = asArray(getPath(node, ['status', 'addresses'])).map(asObject);
  return asString(addresses.find((address) => address['type'] === type)?.['address']) || '<none>';
}

const ACCESS_MODES: Readonly<Record<string, string>> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
};
const accessModes = (object: KubeObject): string =>
  asArray(getPath(object, ['spec', 'accessModes']))
    .map((mode) => ACCESS_MODES[String(mode)] ?? String(mode))
    .join(',');

function claimedBy(volume: KubeObject): string {
  const claim = asObject(getPath(volume, ['spec', 'claimRef']));
  return claim['name'] ? `${claim['namespace']}/${claim['name']}` : '';
}

function podReady(pod: KubeObject): string {
  const statuses = asArray(getPath(pod, ['status', 'containerStatuses'])).map(asObject);
  const ready = statuses.filter((status) => status['ready'] === true).length;
  return `${ready}/${asArray(getPath(pod, ['spec', 'containers'])).length}`;
}

const podPhase = (pod: KubeObject): string =>
  pod.metadata.deletionTimestamp ? 'Terminating' : asString(getPath(pod, ['status', 'phase']));

function restarts(pod: KubeObject): number {
  const statuses = asArray(getPath(pod, ['status', 'containerStatuses'])).map(asObject);
  return statuses.reduce((sum, status) => sum + Number(status['restartCount'] ?? 0), 0);
}

export const namespaces: ResourceType = defineResource({
  ...core,
  kind: 'Namespace',
  plural: 'namespaces',
  schema: namespaceSchema,
  namespaced: false,
  shortNames: ['ns'],
  nameRule: 'label',
  statusSubresource: true,
  selectableFields: ['status.phase'],
  strategy: namespaceRules,
  markDeleted: (namespace) => ({
    ...namespace,
    status: { ...asObject(namespace['status']), phase: 'Terminating' },
  }),
  verbs: ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'],
  columns: [nameColumn, pathColumn('Status', 'status.phase'), ageColumn],
});

export const nodes: ResourceType = defineResource({
  ...core,
  kind: 'Node',
  plural: 'nodes',
  schema: nodeSchema,
  namespaced: false,
  shortNames: ['no'],
  statusSubresource: true,
  selectableFields: ['spec.unschedulable'],
  columns: [
    nameColumn,
    textColumn('Status', nodeStatus),
    textColumn('Roles', nodeRoles),
    ageColumn,
    pathColumn('Version', 'status.nodeInfo.kubeletVersion'),
    textColumn('Internal-IP', (node) => nodeAddress(node, 'InternalIP'), 1),
    textColumn('External-IP', (node) => nodeAddress(node, 'ExternalIP'), 1),
    pathColumn('OS-Image', 'status.nodeInfo.osImage', 1),
    pathColumn('Kernel-Version', 'status.nodeInfo.kernelVersion', 1),
    pathColumn('Container-Runtime', 'status.nodeInfo.containerRuntimeVersion', 1),
  ],
});

export const persistentVolumes: ResourceType = defineResource({
  ...core,
  kind: 'PersistentVolume',
  plural: 'persistentvolumes',
  schema: persistentVolumeSchema,
  strategy: volumeRules,
  namespaced: false,
  shortNames: ['pv'],
  statusSubresource: true,
  columns: [
    nameColumn,
    pathColumn('Capacity', 'spec.capacity.storage'),
    textColumn('Access Modes', accessModes),
    pathColumn('Reclaim Policy', 'spec.persistentVolumeReclaimPolicy'),
    pathColumn('Status', 'status.phase'),
    textColumn('Claim', claimedBy),
    pathColumn('StorageClass', 'spec.storageClassName'),
    pathColumn('VolumeAttributesClass', 'spec.volumeAttributesClassName'),
    pathColumn('Reason', 'status.reason'),
    ageColumn,
    pathColumn('VolumeMode', 'spec.volumeMode', 1),
  ],
});

export const persistentVolumeClaims: ResourceType = defineResource({
  ...core,
  kind: 'PersistentVolumeClaim',
  plural: 'persistentvolumeclaims',
  schema: persistentVolumeClaimSchema,
  namespaced: true,
  shortNames: ['pvc'],
  statusSubresource: true,
  strategy: claimRules,
  columns: [
    nameColumn,
    pathColumn('Status', 'status.phase'),
    pathColumn('Volume', 'spec.volumeName'),
    pathColumn('Capacity', 'status.capacity.storage'),
    textColumn('Access Modes', accessModes),
    pathColumn('StorageClass', 'spec.storageClassName'),
    pathColumn('VolumeAttributesClass', 'spec.volumeAttributesClassName'),
    ageColumn,
    pathColumn('VolumeMode', 'spec.volumeMode', 1),
  ],
});

export const pods: ResourceType = defineResource({
  ...core,
  kind: 'Pod',
  plural: 'pods',
  schema: podSchema,
  namespaced: true,
  shortNames: ['po'],
  categories: ['all'],
  statusSubresource: true,
  selectableFields: ['spec.nodeName', 'spec.serviceAccountName', 'status.phase', 'status.podIP'],
  strategy: podRules,
  columns: [
    nameColumn,
    textColumn('Ready', podReady),
    textColumn('Status', podPhase),
    { name: 'Restarts', type: 'string', value: restarts },
    ageColumn,
    textColumn('IP', (pod) => getPath(pod, ['status', 'podIP']) ?? '<none>', 1),
    textColumn('Node', (pod) => getPath(pod, ['spec', 'nodeName']) ?? '<none>', 1),
    textColumn('Nominated Node', () => '<none>', 1),
    textColumn('Readiness Gates', () => '<none>', 1),
  ],
});

export const configMaps: ResourceType = defineResource({
  ...core,
  kind: 'ConfigMap',
  plural: 'configmaps',
  schema: configMapSchema,
  namespaced: true,
  shortNames: ['cm'],
  strategy: configMapRules,
  columns: [nameColumn, countColumn('Data', 'data'), ageColumn],
});

export const secrets: ResourceType = defineResource({
  ...core,
  kind: 'Secret',
  plural: 'secrets',
  schema: secretSchema,
  namespaced: true,
  selectableFields: ['type'],
  strategy: secretRules,
  columns: [nameColumn, pathColumn('Type', 'type'), countColumn('Data', 'data'), ageColumn],
});

export const serviceAccounts: ResourceType = defineResource({
  ...core,
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
  schema: serviceAccountSchema,
  namespaced: true,
  shortNames: ['sa'],
  columns: [nameColumn, countColumn('Secrets', 'secrets'), ageColumn],
});

/** Stored only; here so that everyday commands that list services work. */
const services: ResourceType = defineResource({
  ...core,
  kind: 'Service',
  plural: 'services',
  schema: serviceSchema,
  namespaced: true,
  shortNames: ['svc'],
  categories: ['all'],
  statusSubresource: true,
  selectableFields: ['spec.clusterIP', 'spec.type'],
  columns: [
    nameColumn,
    textColumn('Type', (service) => getPath(service, ['spec', 'type']) ?? 'ClusterIP'),
    textColumn('Cluster-IP', (service) => getPath(service, ['spec', 'clusterIP']) ?? '<none>'),
    textColumn('External-IP', () => '<none>'),
    textColumn('Port(s)', servicePorts),
    ageColumn,
    textColumn('Selector', serviceSelector, 1),
  ],
});

function servicePorts(service: KubeObject): string {
  const ports = asArray(getPath(service, ['spec', 'ports'])).map(asObject);
  return ports.map((port) => `${port['port']}/${port['protocol'] ?? 'TCP'}`).join(',');
}

function serviceSelector(service: KubeObject): string {
  const selector = Object.entries(asObject(getPath(service, ['spec', 'selector'])));
  return selector.map(([key, value]) => `${key}=${String(value)}`).join(',') || '<none>';
}

export const coreResources: readonly ResourceType[] = [
  namespaces,
  nodes,
  persistentVolumes,
  persistentVolumeClaims,
  pods,
  configMaps,
  secrets,
  serviceAccounts,
  services,
];
