// How objects are named and ordered inside this process.
import type { AnyObject, DeepReadonly } from '../api/object.ts';

/** Names one object of a known kind; cluster-scoped ones have no namespace. */
export interface ObjectReference {
  readonly namespace?: string | undefined;
  readonly name: string;
}

/** `namespace/name`, or `/name` for cluster-scoped objects: what queues and caches are keyed by. */
export type Key = string;

export function keyOf(reference: ObjectReference): Key {
  return `${reference.namespace ?? ''}/${reference.name}`;
}

export function keyOfObject(object: { readonly metadata: ObjectReference }): Key {
  return keyOf(object.metadata);
}

export function referenceOf(key: Key): ObjectReference {
  const slash = key.indexOf('/');
  const namespace = key.slice(0, slash);
  return namespace === '' ? { name: key.slice(1) } : { namespace, name: key.slice(slash + 1) };
}

/**
 * Orders two resourceVersions, or returns undefined where they can't be ordered. Kubernetes
 * promises since 1.35 that those of one resource type compare as numbers; anything else is opaque.
 */
export function compareVersions(
  left: string | undefined,
  right: string | undefined,
): number | undefined {
  if (left === right) return left === undefined ? undefined : 0;
  if (!isNumeric(left) || !isNumeric(right)) return undefined;
  if (left.length !== right.length) return left.length - right.length;
  return left < right ? -1 : 1;
}

function isNumeric(version: string | undefined): version is string {
  return version !== undefined && /^[1-9][0-9]*$/.test(version);
}

/**
 * True for an answer that shows an object in its last moment: removing the last finalizer of a
 * deleted object returns it once more although it no longer exists.
 */
export function isGoneFromServer(object: DeepReadonly<Partial<AnyObject>>): boolean {
  const metadata = object.metadata;
  const kept = (metadata?.finalizers?.length ?? 0) > 0;
  return !kept && metadata?.deletionTimestamp !== undefined && !metadata.deletionGracePeriodSeconds;
}
