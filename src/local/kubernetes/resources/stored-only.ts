// Kinds that everyday commands ask about and nothing here uses: `kubectl apply --prune` and
// `kubectl get all` go through them. They are stored as they are given.
import { openRecord } from '../schema/builders.ts';
import { ageColumn, nameColumn } from './columns.ts';
import { defineResource } from './define.ts';
import type { ResourceType } from './resource-type.ts';
import { kindSchema } from './schemas/metadata.ts';

interface StoredKind {
  readonly group: string;
  readonly kind: string;
  readonly plural: string;
  readonly shortNames?: readonly string[];
  readonly isInAll?: boolean;
}

const kinds: readonly StoredKind[] = [
  { group: '', kind: 'Endpoints', plural: 'endpoints', shortNames: ['ep'] },
  { group: '', kind: 'LimitRange', plural: 'limitranges', shortNames: ['limits'] },
  {
    group: '',
    kind: 'ReplicationController',
    plural: 'replicationcontrollers',
    shortNames: ['rc'],
    isInAll: true,
  },
  { group: '', kind: 'ResourceQuota', plural: 'resourcequotas', shortNames: ['quota'] },
  { group: 'apps', kind: 'ReplicaSet', plural: 'replicasets', shortNames: ['rs'], isInAll: true },
  {
    group: 'apps',
    kind: 'StatefulSet',
    plural: 'statefulsets',
    shortNames: ['sts'],
    isInAll: true,
  },
  { group: 'batch', kind: 'CronJob', plural: 'cronjobs', shortNames: ['cj'], isInAll: true },
  { group: 'networking.k8s.io', kind: 'Ingress', plural: 'ingresses', shortNames: ['ing'] },
];

export const storedResources: readonly ResourceType[] = kinds.map(
  ({ group, kind, plural, shortNames = [], isInAll = false }) =>
    defineResource({
      group,
      version: 'v1',
      kind,
      plural,
      schema: {
        ...kindSchema(`${kind}: stored here, without effect.`, {
          spec: openRecord({}, 'As given.'),
          status: openRecord({}, 'As given.'),
        }),
        'x-kubernetes-preserve-unknown-fields': true,
      },
      namespaced: true,
      shortNames,
      categories: isInAll ? ['all'] : [],
      columns: [nameColumn, ageColumn],
    }),
);
