// Schemas of events, leases, access rules, storage classes, admission policies and definitions.
import {
  anything,
  flag,
  listByKey,
  listOf,
  mapOf,
  openRecord,
  record,
  setOf,
  text,
  time,
  whole,
} from '../../schema/builders.ts';
import type { Schema } from '../../schema/schema.ts';
import { conditions, kindSchema, labelSelector, objectReference } from './metadata.ts';

const source = record({ component: text(), host: text() }, 'Where the event comes from.');
const series = (last: string): Schema =>
  record({ count: whole('How often.'), [last]: time('When last.') }, 'Repetitions of the event.');

export const coreEventSchema = kindSchema('Event is a report of something that happened.', {
  involvedObject: objectReference,
  reason: text('Why, in one CamelCase word.'),
  message: text('What happened, for people.'),
  source,
  firstTimestamp: time('When it happened first.'),
  lastTimestamp: time('When it happened last.'),
  count: whole('How often it happened.'),
  type: text('Normal or Warning.'),
  eventTime: time('When the event was first observed.'),
  series: series('lastObservedTime'),
  action: text('What was done or failed.'),
  related: objectReference,
  reportingComponent: text('The controller that reports.'),
  reportingInstance: text('Its instance.'),
});

export const newEventSchema = kindSchema('Event is a report of something that happened.', {
  regarding: objectReference,
  reason: text('Why, in one CamelCase word.'),
  note: text('What happened, for people.'),
  type: text('Normal or Warning.'),
  eventTime: time('When the event was first observed.'),
  series: series('lastObservedTime'),
  action: text('What was done or failed.'),
  related: objectReference,
  reportingController: text('The controller that reports.'),
  reportingInstance: text('Its instance.'),
  deprecatedSource: source,
  deprecatedFirstTimestamp: time(),
  deprecatedLastTimestamp: time(),
  deprecatedCount: whole(),
});

export const leaseSchema = kindSchema('Lease defines who holds something, until when.', {
  spec: record(
    {
      holderIdentity: text('Who holds the lease.'),
      leaseDurationSeconds: whole('How long others wait after the last renewal.'),
      acquireTime: time('When it was acquired, with microseconds.'),
      renewTime: time('When it was last renewed, with microseconds.'),
      leaseTransitions: whole('How often the holder changed.'),
      preferredHolder: text('To whom the lease shall go.'),
      strategy: text('How the holder is picked.'),
    },
    'What the lease is.',
  ),
});

export const storageClassSchema = kindSchema('StorageClass describes a class of storage.', {
  provisioner: text('Who provisions volumes.'),
  parameters: mapOf(text(), 'Parameters for the provisioner.'),
  reclaimPolicy: text('Delete or Retain.'),
  mountOptions: listOf(text()),
  allowVolumeExpansion: flag('Whether volumes can grow.'),
  volumeBindingMode: text('Immediate or WaitForFirstConsumer.'),
  allowedTopologies: listOf(anything()),
});

const rule = record({
  verbs: listOf(text(), 'Verbs that are allowed.'),
  apiGroups: listOf(text(), 'Groups of the resources.'),
  resources: listOf(text(), 'Resources this applies to.'),
  resourceNames: listOf(text(), 'Names this is limited to.'),
  nonResourceURLs: listOf(text(), 'Paths this applies to.'),
});

export const roleSchema = kindSchema('A set of permissions.', {
  rules: listOf(rule, 'The permissions.'),
  aggregationRule: anything('Roles whose rules are taken in.'),
});

const roleReference = {
  ...record({ apiGroup: text(), kind: text(), name: text() }, 'The role that is granted.'),
  'x-kubernetes-map-type': 'atomic' as const,
};
const subject = record({ kind: text(), apiGroup: text(), name: text(), namespace: text() });

export const bindingSchema = kindSchema('Grants a role to subjects.', {
  subjects: listOf(subject, 'To whom the role is granted.'),
  roleRef: roleReference,
});

const matchResources = openRecord({
  matchPolicy: text(),
  namespaceSelector: labelSelector,
  objectSelector: labelSelector,
  resourceRules: listOf(anything()),
});

export const admissionPolicySchema = kindSchema('Describes an admission rule in CEL.', {
  spec: openRecord({
    failurePolicy: text('Fail or Ignore.'),
    matchConditions: listByKey(record({ name: text(), expression: text() }), ['name']),
    matchConstraints: matchResources,
    paramKind: record({ apiVersion: text(), kind: text() }),
    validations: listOf(anything(), 'Expressions that must hold.'),
    variables: listByKey(record({ name: text(), expression: text() }), ['name']),
  }),
  status: openRecord({ conditions }),
});

export const policyBindingSchema = kindSchema('Binds an admission policy.', {
  spec: openRecord({
    policyName: text('The policy.'),
    matchResources,
    paramRef: anything(),
    validationActions: setOf(text(), 'Deny, Warn or Audit.'),
  }),
});

export const webhookSchema = kindSchema('Configures validating admission webhooks.', {
  webhooks: listByKey(openRecord({ name: text() }), ['name'], 'The webhooks.'),
});

const names = record({
  plural: text('Plural name, as in the URL.'),
  singular: text('Singular name.'),
  kind: text('Kind in CamelCase.'),
  listKind: text('Kind of lists.'),
  shortNames: listOf(text(), 'Short names.'),
  categories: listOf(text(), 'Groups of resources, such as all.'),
});

const version = openRecord({
  name: text('The version, such as v1.'),
  served: flag('Whether the version is served.'),
  storage: flag('Whether objects are kept in this version.'),
  deprecated: flag(),
  deprecationWarning: text(),
  schema: record({ openAPIV3Schema: anything('The schema of the version.') }),
  subresources: record({ status: anything(), scale: anything() }),
  additionalPrinterColumns: listOf(anything(), 'Columns of kubectl get.'),
  selectableFields: listOf(record({ jsonPath: text() }), 'Fields for field selectors.'),
});

export const definitionSchema = kindSchema(
  'CustomResourceDefinition is a resource that should be served.',
  {
    spec: record(
      {
        group: text('The API group.'),
        names,
        scope: text('Cluster or Namespaced.'),
        versions: listOf(version, 'All versions.'),
        conversion: openRecord({ strategy: text('None or Webhook.') }),
        preserveUnknownFields: flag('Deprecated.'),
      },
      'How the resource shall appear.',
    ),
    status: record({
      conditions,
      acceptedNames: names,
      storedVersions: listOf(text()),
      observedGeneration: whole(),
    }),
  },
);
