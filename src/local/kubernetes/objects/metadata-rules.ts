// Checks of metadata that hold for every kind of object.
import { asArray, asObject, isObject } from './json.ts';
import type { KubeObject, ObjectMeta } from './kube-object.ts';
import { checkName, isLabelValue, isQualifiedName, type NameRule } from './names.ts';
import { badRequest, cause, type StatusCause } from './status-error.ts';

const ANNOTATIONS_LIMIT_BYTES = 256 * 1024;
const QUALIFIED_WORDS =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end " +
  "with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for " +
  "validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const LABEL_VALUE_WORDS =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', " +
  "and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or " +
  "'12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

/** Throws for values of a wrong type, which no typed decoder would let in. */
export function checkMetadataTypes(metadata: Readonly<Record<string, unknown>>): void {
  for (const field of ['name', 'generateName', 'namespace', 'uid', 'resourceVersion']) {
    const value = metadata[field];
    if (value !== undefined && value !== null && typeof value !== 'string') {
      throw badRequest(`metadata.${field} must be a string`);
    }
  }
  for (const field of ['labels', 'annotations']) {
    const map = metadata[field];
    if (map === undefined || map === null) continue;
    if (!isObject(map)) throw badRequest(`metadata.${field} must be a map of strings`);
    for (const [key, value] of Object.entries(map)) {
      if (typeof value !== 'string') {
        throw badRequest(`metadata.${field}: cannot restore map "${key}" from a non-string value`);
      }
    }
  }
  for (const field of ['finalizers', 'ownerReferences', 'managedFields']) {
    const list = metadata[field];
    if (list !== undefined && list !== null && !Array.isArray(list)) {
      throw badRequest(`metadata.${field} must be a list`);
    }
  }
}

/** `strict` also wants finalizers of built-ins to be fully qualified. */
export function metadataCauses(
  metadata: ObjectMeta,
  nameRule: NameRule,
  strict: boolean,
): StatusCause[] {
  const causes: StatusCause[] = checkName(metadata.name, nameRule);
  let annotationBytes = 0;
  for (const [key, value] of Object.entries(metadata.labels ?? {})) {
    if (!isQualifiedName(key)) causes.push(cause.invalid('metadata.labels', key, QUALIFIED_WORDS));
    if (!isLabelValue(value)) {
      const words = value.length > 63 ? 'must be no more than 63 bytes' : LABEL_VALUE_WORDS;
      causes.push(cause.invalid('metadata.labels', value, words));
    }
  }
  for (const [key, value] of Object.entries(metadata.annotations ?? {})) {
    annotationBytes += key.length + value.length;
    if (!isQualifiedName(key.toLowerCase())) {
      causes.push(cause.invalid('metadata.annotations', key, QUALIFIED_WORDS));
    }
  }
  if (annotationBytes > ANNOTATIONS_LIMIT_BYTES) {
    causes.push(cause.tooLong('metadata.annotations', ANNOTATIONS_LIMIT_BYTES));
  }
  causes.push(...finalizerCauses(metadata, strict), ...ownerCauses(metadata));
  return causes;
}

function finalizerCauses(metadata: ObjectMeta, strict: boolean): StatusCause[] {
  const known = ['orphan', 'foregroundDeletion', 'kubernetes'];
  return (metadata.finalizers ?? []).flatMap((finalizer, index) => {
    const field = `metadata.finalizers[${index}]`;
    if (!isQualifiedName(finalizer)) {
      return [cause.invalid('metadata.finalizers', finalizer, QUALIFIED_WORDS)];
    }
    if (!strict || finalizer.includes('/') || known.includes(finalizer)) return [];
    const words = 'name is neither a standard finalizer name nor is it fully qualified';
    return [cause.invalid(field, finalizer, words)];
  });
}

function ownerCauses(metadata: ObjectMeta): StatusCause[] {
  const owners = asArray(metadata.ownerReferences).map(asObject);
  // A real server names the field without saying which owner it is about.
  const causes = owners.flatMap((owner) =>
    ['apiVersion', 'kind', 'name', 'uid']
      .filter((field) => !owner[field])
      .map((field) => {
        const path = `metadata.ownerReferences.${field}`;
        return cause.invalid(path, owner[field] ?? '', 'must not be empty');
      }),
  );
  const controllers = owners.filter((owner) => owner['controller'] === true);
  if (controllers.length > 1) {
    causes.push(
      cause.invalid(
        'metadata.ownerReferences',
        owners,
        'Only one reference can have Controller set to true',
      ),
    );
  }
  return causes;
}

/** Which parts of an object's identity a write may not change. */
export function immutableMetadataCauses(object: KubeObject, old: KubeObject): StatusCause[] {
  const causes: StatusCause[] = [];
  if (old.metadata.deletionTimestamp) {
    const before = new Set(old.metadata.finalizers ?? []);
    const added = (object.metadata.finalizers ?? []).filter((name) => !before.has(name));
    if (added.length > 0) {
      const words =
        `no new finalizers can be added if the object is being deleted, found new finalizers ` +
        `[]string{${added.map((name) => JSON.stringify(name)).join(', ')}}`;
      causes.push(cause.forbidden('metadata.finalizers', words));
    }
  }
  return causes;
}
