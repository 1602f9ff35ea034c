// Built-ins are typed on a real server: nulls are as good as absent, and a value of a wrong type
// can't be decoded, whatever else is right or wrong about the object.
import { isObject, type JsonObject } from '../objects/json.ts';
import { badRequest } from '../objects/status-error.ts';
import type { ResourceType } from '../resources/resource-type.ts';
import { validateValue } from './validation.ts';

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

export function decodeTyped(type: ResourceType, object: JsonObject): JsonObject {
  const decoded = withoutNulls(object) as JsonObject;
  const wrong = validateValue(decoded, type.schema ?? {}, { path: '', old: undefined }).find(
    (problem) => problem.reason === 'FieldValueTypeInvalid' || isBadBase64(problem.message),
  );
  if (wrong) {
    const { kind, version } = type;
    const words = `${wrong.field}: ${wrong.message}`;
    throw badRequest(`${kind} in version "${version}" cannot be handled as a ${kind}: ${words}`);
  }
  return decoded;
}

function isBadBase64(message: string): boolean {
  const match = /^Invalid value: (".*"): .* must be of type byte: /s.exec(message);
  return match !== null && !BASE64.test(JSON.parse(match[1]!) as string);
}

/** The same value where there is no null in it. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(withoutNulls);
    return items.every((item, index) => item === value[index]) ? value : items;
  }
  if (!isObject(value)) return value;
  let changed = false;
  const result: JsonObject = {};
  for (const key of Object.keys(value)) {
    const before = value[key];
    if (before === null || before === undefined) {
      changed = true;
      continue;
    }
    result[key] = withoutNulls(before);
    changed ||= result[key] !== before;
  }
  return changed ? result : value;
}
