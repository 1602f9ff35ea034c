// The parts that many kinds share.
import {
  anything,
  flag,
  listByKey,
  listOf,
  long,
  mapOf,
  record,
  setOf,
  text,
  time,
} from '../../schema/builders.ts';
import type { Schema } from '../../schema/schema.ts';

export const objectMeta: Schema = record(
  {
    name: text('Name must be unique within a namespace. Cannot be updated.'),
    generateName: text('An optional prefix from which the server makes a unique name.'),
    namespace: text('The space within which each name must be unique. Cannot be updated.'),
    selfLink: text('Deprecated: not filled in any more.'),
    uid: text('Unique in time and space for this object. Set by the server.'),
    resourceVersion: text('The version of this object as the server knows it.'),
    generation: long('Grows with each change of the desired state.'),
    creationTimestamp: time('When the object was created. Set by the server.'),
    deletionTimestamp: time('When the object was asked to be deleted. Set by the server.'),
    deletionGracePeriodSeconds: long('Seconds the object may take to end.'),
    labels: mapOf(text(), 'Keys and values by which objects are organised and selected.'),
    annotations: mapOf(text(), 'Keys and values that tools attach; not for selecting.'),
    ownerReferences: listByKey(
      {
        ...record(
          {
            apiVersion: text('API version of the owner.'),
            kind: text('Kind of the owner.'),
            name: text('Name of the owner.'),
            uid: text('UID of the owner.'),
            controller: flag('Whether the owner is the managing controller.'),
            blockOwnerDeletion: flag('Whether a foreground deletion of the owner waits for this.'),
          },
          '',
          ['apiVersion', 'kind', 'name', 'uid'],
        ),
        'x-kubernetes-map-type': 'atomic',
      },
      ['uid'],
      'Objects this one depends on. When all are gone, this one is deleted.',
    ),
    finalizers: setOf(text(), 'Must be empty before the object is removed from the registry.'),
    managedFields: listOf(
      record({
        manager: text('Who wrote these fields.'),
        operation: text('Apply or Update.'),
        apiVersion: text('Version of the fields.'),
        time: time('When this set of fields last changed.'),
        fieldsType: text('Always FieldsV1.'),
        fieldsV1: anything('The fields, as a tree of path elements.'),
        subresource: text('Through which subresource the fields were written.'),
      }),
      'Which writer manages which fields.',
    ),
  },
  'Metadata that all persisted objects have.',
);

export const condition: Schema = record(
  {
    type: text('Type of condition in CamelCase.'),
    status: text('One of True, False, Unknown.'),
    observedGeneration: long('The generation that the condition is about.'),
    lastTransitionTime: time('When the status last changed.'),
    lastHeartbeatTime: time('When this was last confirmed.'),
    lastUpdateTime: time('When this was last updated.'),
    lastProbeTime: time('When this was last probed.'),
    reason: text('Why the status last changed, in one CamelCase word.'),
    message: text('The details, for people.'),
  },
  '',
  ['type', 'status'],
);

export const conditions: Schema = listByKey(condition, ['type'], 'The observed conditions.');

export const objectReference: Schema = {
  ...record(
    {
      apiVersion: text('API version of the referent.'),
      kind: text('Kind of the referent.'),
      namespace: text('Namespace of the referent.'),
      name: text('Name of the referent.'),
      uid: text('UID of the referent.'),
      resourceVersion: text('Version of the referent this refers to.'),
      fieldPath: text('A part of the referent, in JSONPath style.'),
    },
    'Refers to another object.',
  ),
  'x-kubernetes-map-type': 'atomic',
};

export const labelSelector: Schema = {
  ...record(
    {
      matchLabels: mapOf(text(), 'Labels that must all have these values.'),
      matchExpressions: listOf(
        record({ key: text(), operator: text(), values: listOf(text()) }, '', ['key', 'operator']),
        'Requirements that must all hold.',
      ),
    },
    'A query over labels.',
  ),
  'x-kubernetes-map-type': 'atomic',
};

/** The schema of a whole kind. */
export function kindSchema(
  description: string,
  properties: Readonly<Record<string, Schema>>,
  required: readonly string[] = [],
): Schema {
  return record(
    {
      apiVersion: text('Versioned schema of this representation of an object.'),
      kind: text('The REST resource this object represents, in CamelCase.'),
      metadata: objectMeta,
      ...properties,
    },
    description,
    required,
  );
}
