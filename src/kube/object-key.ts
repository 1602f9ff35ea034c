// What every Kubernetes object has in common, and how one is named inside this process.

/** The least an object must have to be read, cached or written; every kind in src/api fits. */
export interface KubernetesObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: KubernetesMetadata;
}

export interface KubernetesMetadata {
  readonly name?: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  readonly ownerReferences?: readonly {
    readonly apiVersion: string;
    readonly kind: string;
    readonly name: string;
    readonly uid: string;
    readonly controller?: boolean;
  }[];
}

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

export function keyOfObject(object: KubernetesObject): Key {
  return `${object.metadata.namespace ?? ''}/${object.metadata.name ?? ''}`;
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
