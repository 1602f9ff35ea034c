// Brings an object that is about to be stored into shape: unknown fields away, defaults in, the
// resource's own completions; then refuses what is invalid, naming every field at once.
import type { Call } from '../backend.ts';
import { type JsonObject, without } from '../objects/json.ts';
import type { KubeObject, ObjectMeta } from '../objects/kube-object.ts';
import { immutableMetadataCauses, metadataCauses } from '../objects/metadata-rules.ts';
import { badRequest, cause, invalid, StatusError } from '../objects/status-error.ts';
import type { ResourceType, ValidationContext } from '../resources/resource-type.ts';
import { objectMeta } from '../resources/schemas/metadata.ts';
import { validateRules } from '../schema/cel-rules.ts';
import { applyDefaults, dropNulls } from '../schema/defaulting.ts';
import { prune } from '../schema/pruning.ts';
import { decodeTyped } from '../schema/typed-decoding.ts';
import { validateValue } from '../schema/validation.ts';
import type { WriteOptions } from './options.ts';

/** Drops or refuses unknown fields, as the client asked, and fills in defaults. */
export function shape(call: Call, object: KubeObject, options: WriteOptions): KubeObject {
  const { type } = call;
  if (!type.schema) return object;
  const unknown: string[] = [];
  const decoded = type.custom ? (object as JsonObject) : decodeTyped(type, object as JsonObject);
  const pruned = prune(decoded, type.schema, unknown);
  const metadata = pruneMetadata(object.metadata, unknown);
  if (unknown.length > 0) reportUnknown(call, unknown.toSorted(), options);
  const kept = metadata === object.metadata ? pruned : { ...pruned, metadata };
  const defaulted = applyDefaults(kept, type.schema) as KubeObject;
  return type.custom && call.body.includes('null') ? dropNulls(defaulted, type.schema) : defaulted;
}

function isEmpty(value: unknown): boolean {
  if (value === null || value === '') return true;
  return typeof value === 'object' && Object.keys(value as object).length === 0;
}

/** Empty parts of metadata are as good as absent. */
function pruneMetadata(metadata: ObjectMeta, unknown: string[]): ObjectMeta {
  const strange = Object.keys(metadata).filter((key) => !objectMeta.properties?.[key]);
  const empty = Object.entries(metadata).filter(([key, value]) => {
    // An emptied list of managers is an order of its own.
    return key !== 'managedFields' && isEmpty(value);
  });
  if (strange.length + empty.length === 0) return metadata;
  unknown.push(...strange.map((key) => `metadata.${key}`));
  const dropped = [...strange, ...empty.map(([key]) => key)];
  return without({ ...metadata }, ...dropped) as unknown as ObjectMeta;
}

function reportUnknown(call: Call, unknown: readonly string[], options: WriteOptions): void {
  const problems = unknown.map((path) => `unknown field "${path}"`);
  if (options.fieldValidation === 'Ignore') return;
  if (options.fieldValidation === 'Warn') {
    call.warnings.push(...problems);
    return;
  }
  const words = `strict decoding error: ${problems.join(', ')}`;
  if (call.target.verb !== 'patch') {
    const { kind, version } = call.type;
    throw badRequest(`${kind} in version "${version}" cannot be handled as a ${kind}: ${words}`);
  }
  const problem = cause.invalid('patch', call.body, words);
  throw new StatusError(422, 'Invalid', `  "" is invalid: patch: ${problem.message}`, {
    causes: [problem],
  });
}

export function prepare(
  type: ResourceType,
  object: KubeObject,
  context: ValidationContext,
): KubeObject {
  return type.strategy?.prepare?.(object, context) ?? object;
}

export function validate(type: ResourceType, object: KubeObject, context: ValidationContext): void {
  const { old } = context;
  const causes = [
    ...(old ? immutableMetadataCauses(object, old) : []),
    ...metadataCauses(object.metadata, old ? 'path-segment' : type.nameRule, type.group === ''),
    ...(type.schema && type.custom ? validateValue(object, type.schema, { path: '', old }) : []),
    ...(type.strategy?.validate?.(object, context) ?? []),
  ];
  // Rules may rely on a valid shape, so they are asked only once that is given.
  if (causes.length === 0 && type.schema && type.custom) {
    causes.push(...validateRules(object, old, type.schema));
  }
  if (causes.length > 0) throw invalid(type, object.metadata.name, causes);
}
