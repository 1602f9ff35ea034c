// What a cache keeps of an object: all but the server's bookkeeping, and nobody may change it.
import type { AnyObject, DeepReadonly } from '../api/object.ts';

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/**
 * Drops managedFields and kubectl's copy of the object (together often more than half of it), and
 * freezes the rest in place.
 */
export function freezeObject<T extends AnyObject>(object: T): DeepReadonly<T> {
  if (Object.isFrozen(object)) return object as DeepReadonly<T>;
  const { managedFields: _, ...metadata } = object.metadata;
  if (metadata.annotations?.[LAST_APPLIED] !== undefined) {
    const { [LAST_APPLIED]: _copy, ...annotations } = metadata.annotations;
    metadata.annotations = annotations;
  }
  return deepFreeze({ ...object, metadata }) as DeepReadonly<T>;
}

function deepFreeze<V>(value: V): V {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const field of Object.values(value)) deepFreeze(field);
  return value;
}
