// What is checked and filled in when a CustomResourceDefinition is written. Accepted names and
// the Established condition appear at once, because nobody else competes for names here.
import {
  asArray,
  asObject,
  asString,
  deepEqual,
  isObject,
  type JsonObject,
} from '../objects/json.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import { cause, type StatusCause } from '../objects/status-error.ts';
import type { Schema } from '../schema/schema.ts';
import { schemaCauses } from '../schema/structural-rules.ts';
import type { Strategy } from './resource-type.ts';

/** Keeps a deleted definition until the last of its instances is gone. */
export const INSTANCES_FINALIZER = 'customresourcecleanup.apiextensions.k8s.io';

export const definitionRules: Strategy = {
  prepare(definition, { old, subresource, now }) {
    if (subresource) return definition;
    const spec = asObject(definition['spec']);
    const names = asObject(spec['names']);
    const kind = asString(names['kind']);
    const completed = {
      ...names,
      singular: names['singular'] || kind.toLowerCase(),
      listKind: names['listKind'] || `${kind}List`,
    };
    const prepared = {
      ...definition,
      spec: { ...spec, names: completed, conversion: spec['conversion'] ?? { strategy: 'None' } },
    };
    const accepted = { ...prepared, status: acceptedStatus(prepared, now) };
    if (old) return accepted;
    const finalizers = [...(definition.metadata.finalizers ?? []), INSTANCES_FINALIZER];
    return { ...accepted, metadata: { ...definition.metadata, finalizers } };
  },
  validate(definition, { old }) {
    const spec = asObject(definition['spec']);
    const names = asObject(spec['names']);
    const causes: StatusCause[] = [];
    const expected = `${asString(names['plural'])}.${asString(spec['group'])}`;
    for (const field of ['group', 'scope']) {
      if (!spec[field]) causes.push(cause.required(`spec.${field}`));
    }
    for (const field of ['plural', 'kind']) {
      if (!names[field]) causes.push(cause.required(`spec.names.${field}`));
    }
    if (definition.metadata.name !== expected) {
      const words = 'must be spec.names.plural+"."+spec.group';
      causes.push(cause.invalid('metadata.name', definition.metadata.name, words));
    }
    const scope = asString(spec['scope']);
    if (scope && scope !== 'Namespaced' && scope !== 'Cluster') {
      causes.push(cause.notSupported('spec.scope', scope, ['Cluster', 'Namespaced']));
    }
    causes.push(...versionCauses(asArray(spec['versions']).map(asObject)));
    return [...causes, ...immutableCauses(definition, old)];
  },
};

function versionCauses(versions: readonly JsonObject[]): StatusCause[] {
  const causes: StatusCause[] = [];
  if (versions.length === 0) {
    causes.push(
      cause.required('spec.versions', 'must have exactly one version marked as storage version'),
    );
  } else if (versions.filter((version) => version['storage'] === true).length !== 1) {
    const words = 'must have exactly one version marked as storage version';
    causes.push(
      cause.invalid(
        'spec.versions',
        versions.map((version) => version['name']),
        words,
      ),
    );
  }
  versions.forEach((version, index) => {
    const field = `spec.versions[${index}].schema.openAPIV3Schema`;
    const schema = asObject(version['schema'])['openAPIV3Schema'];
    if (isObject(schema)) causes.push(...schemaCauses(schema as Schema, field));
    else causes.push(cause.required(field, 'schemas are required'));
  });
  return causes;
}

function immutableCauses(definition: KubeObject, old: KubeObject | undefined): StatusCause[] {
  if (!old) return [];
  const [spec, before] = [asObject(definition['spec']), asObject(old['spec'])];
  const causes: StatusCause[] = [];
  for (const field of ['group', 'scope']) {
    if (!deepEqual(spec[field], before[field])) {
      causes.push(cause.invalid(`spec.${field}`, spec[field], 'field is immutable'));
    }
  }
  for (const field of ['kind', 'plural']) {
    const [now, then] = [asObject(spec['names'])[field], asObject(before['names'])[field]];
    if (now !== then) causes.push(cause.invalid(`spec.names.${field}`, now, 'field is immutable'));
  }
  return causes;
}

/** The status of a definition that has just been accepted. */
function acceptedStatus(definition: KubeObject, time: string): JsonObject {
  const spec = asObject(definition['spec']);
  const versions = asArray(spec['versions']).map(asObject);
  const condition = (type: string, reason: string, message: string): JsonObject => ({
    type,
    status: 'True',
    lastTransitionTime: time,
    reason,
    message,
  });
  const conditions = [
    condition('NamesAccepted', 'NoConflicts', 'no conflicts found'),
    condition('Established', 'InitialNamesAccepted', 'the initial names have been accepted'),
  ];
  const before = asArray(asObject(definition['status'])['conditions']);
  return {
    conditions: before.length > 0 ? before : conditions,
    acceptedNames: spec['names'],
    storedVersions: versions.filter((version) => version['storage']).map((v) => v['name']),
  };
}

/** Says that the instances go first. */
export function terminatingDefinition(definition: KubeObject, now: string): KubeObject {
  const status = asObject(definition['status']);
  const condition = {
    type: 'Terminating',
    status: 'True',
    lastTransitionTime: now,
    reason: 'InstanceDeletionPending',
    message:
      'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon',
  };
  const conditions = [...asArray(status['conditions']), condition];
  return { ...definition, status: { ...status, conditions } };
}
