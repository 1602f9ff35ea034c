// Resources of the other groups: access rules, storage classes, admission policies, and the
// definitions of custom resources.
import { asArray, getPath } from '../objects/json.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import { policyBindingRules, policyRules } from '../policies/policy-rules.ts';
import { ageColumn, countColumn, nameColumn, pathColumn, textColumn } from './columns.ts';
import { defineResource } from './define.ts';
import { definitionRules, terminatingDefinition } from './definition-rules.ts';
import type { ResourceType } from './resource-type.ts';
import {
  admissionPolicySchema,
  bindingSchema,
  definitionSchema,
  policyBindingSchema,
  roleSchema,
  storageClassSchema,
  webhookSchema,
} from './schemas/cluster.ts';

const rbac = {
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  nameRule: 'path-segment' as const,
};
const admission = { group: 'admissionregistration.k8s.io', version: 'v1', namespaced: false };
const createdAt = {
  ...ageColumn,
  name: 'Created At',
  value: (object: KubeObject) => object.metadata.creationTimestamp,
};
const roleName = (binding: KubeObject): string =>
  `${getPath(binding, ['roleRef', 'kind'])}/${getPath(binding, ['roleRef', 'name'])}`;
const bindingColumns = [nameColumn, textColumn('Role', roleName), ageColumn];

export const customResourceDefinitions: ResourceType = defineResource({
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  schema: definitionSchema,
  namespaced: false,
  shortNames: ['crd', 'crds'],
  categories: ['api-extensions'],
  statusSubresource: true,
  generations: true,
  lockedUpdates: true,
  markDeleted: terminatingDefinition,
  columns: [nameColumn, createdAt],
  strategy: definitionRules,
});

const storageClasses: ResourceType = defineResource({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'StorageClass',
  plural: 'storageclasses',
  schema: storageClassSchema,
  namespaced: false,
  shortNames: ['sc'],
  columns: [
    nameColumn,
    pathColumn('Provisioner', 'provisioner'),
    textColumn('ReclaimPolicy', (object) => object['reclaimPolicy'] ?? 'Delete'),
    textColumn('VolumeBindingMode', (object) => object['volumeBindingMode'] ?? 'Immediate'),
    textColumn('AllowVolumeExpansion', (object) => object['allowVolumeExpansion'] ?? false),
    ageColumn,
  ],
  strategy: {
    prepare: (object, { old }) =>
      old ? object : { reclaimPolicy: 'Delete', volumeBindingMode: 'Immediate', ...object },
  },
});

export const clusterResources: readonly ResourceType[] = [
  customResourceDefinitions,
  storageClasses,
  defineResource({
    ...rbac,
    kind: 'Role',
    plural: 'roles',
    schema: roleSchema,
    namespaced: true,
    columns: [nameColumn, createdAt],
  }),
  defineResource({
    ...rbac,
    kind: 'RoleBinding',
    plural: 'rolebindings',
    schema: bindingSchema,
    namespaced: true,
    columns: bindingColumns,
  }),
  defineResource({
    ...rbac,
    kind: 'ClusterRole',
    plural: 'clusterroles',
    schema: roleSchema,
    namespaced: false,
    columns: [nameColumn, createdAt],
  }),
  defineResource({
    ...rbac,
    kind: 'ClusterRoleBinding',
    plural: 'clusterrolebindings',
    schema: bindingSchema,
    namespaced: false,
    columns: bindingColumns,
  }),
  defineResource({
    ...admission,
    kind: 'ValidatingAdmissionPolicy',
    plural: 'validatingadmissionpolicies',
    schema: admissionPolicySchema,
    strategy: policyRules,
    statusSubresource: true,
    generations: true,
    columns: [
      nameColumn,
      countColumn('Validations', 'spec.validations'),
      textColumn(
        'ParamKind',
        (object) => getPath(object, ['spec', 'paramKind', 'kind']) ?? '<unset>',
      ),
      ageColumn,
    ],
  }),
  defineResource({
    ...admission,
    kind: 'ValidatingAdmissionPolicyBinding',
    plural: 'validatingadmissionpolicybindings',
    schema: policyBindingSchema,
    strategy: policyBindingRules,
    generations: true,
    columns: [
      nameColumn,
      pathColumn('PolicyName', 'spec.policyName'),
      textColumn(
        'ParamRef',
        (object) => getPath(object, ['spec', 'paramRef', 'name']) ?? '<unset>',
      ),
      ageColumn,
    ],
  }),
  defineResource({
    ...admission,
    kind: 'ValidatingWebhookConfiguration',
    plural: 'validatingwebhookconfigurations',
    schema: webhookSchema,
    generations: true,
    columns: [
      nameColumn,
      textColumn('Webhooks', (object) => asArray(object['webhooks']).length),
      ageColumn,
    ],
  }),
];
