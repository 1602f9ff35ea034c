// The smallest patch that turns one object into another, and the few patches that every
// controller needs. Pure: nothing here talks to a server.
import type { DeepReadonly, ObjectMeta } from '../api/object.ts';

export type MergePatch = Readonly<Record<string, unknown>>;

/**
 * The minimal RFC 7396 merge patch from one object to another, or undefined when they are equal.
 * Arrays are replaced whole; fields that are undefined or null count as absent.
 */
export function mergeDiff(
  from: object | undefined,
  to: object | undefined,
): MergePatch | undefined {
  const patch = diffObjects(asRecord(from ?? {}), asRecord(to ?? {}));
  return Object.keys(patch).length === 0 ? undefined : patch;
}

/**
 * The body of a status write, or undefined when nothing would change. An empty list is never removed:
 * it says the same as none, and the server's default of `[]` would bring it back for the next write.
 */
export function statusPatch(
  object: { readonly status?: unknown },
  status: object,
): MergePatch | undefined {
  const before = asRecord((object.status ?? {}) as object);
  const patch = mergeDiff(before, withEmptyListsOf(before, asRecord(status)));
  return patch && { status: patch };
}

function withEmptyListsOf(before: JsonRecord, after: JsonRecord): JsonRecord {
  const kept: Record<string, unknown> = { ...after };
  for (const [name, value] of Object.entries(before)) {
    const next = after[name];
    if (Array.isArray(value) && value.length === 0 && !isPresent(next)) kept[name] = value;
    else if (isRecord(value) && isRecord(next)) kept[name] = withEmptyListsOf(value, next);
  }
  return kept;
}

interface HasMetadata {
  readonly metadata: DeepReadonly<Pick<ObjectMeta, 'resourceVersion' | 'uid' | 'finalizers'>>;
}

/** Conditional on the version it was computed from; undefined when the finalizer is there. */
export function addFinalizerPatch(object: HasMetadata, finalizer: string): MergePatch | undefined {
  const finalizers = object.metadata.finalizers ?? [];
  if (finalizers.includes(finalizer)) return undefined;
  return locked(object, { metadata: { finalizers: [...finalizers, finalizer] } });
}

/** Conditional on the version it was computed from; undefined when the finalizer isn't there. */
export function removeFinalizerPatch(
  object: HasMetadata,
  finalizer: string,
): MergePatch | undefined {
  const finalizers = object.metadata.finalizers ?? [];
  if (!finalizers.includes(finalizer)) return undefined;
  const left = finalizers.filter((name) => name !== finalizer);
  return locked(object, { metadata: { finalizers: left } });
}

/** The same patch, refused with a conflict unless the object is still exactly this version. */
export function locked(object: HasMetadata, patch: MergePatch): MergePatch {
  const { uid, resourceVersion } = object.metadata;
  const metadata = asRecord((patch['metadata'] ?? {}) as object);
  return { ...patch, metadata: { ...metadata, uid, resourceVersion } };
}

type JsonRecord = Readonly<Record<string, unknown>>;

function diffObjects(from: JsonRecord, to: JsonRecord): Record<string, unknown> {
  const patch: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(from))
    if (isPresent(value) && !isPresent(to[name])) patch[name] = null;
  for (const [name, value] of Object.entries(to)) {
    if (!isPresent(value) || isEqual(from[name], value)) continue;
    const both = isRecord(from[name]) && isRecord(value);
    patch[name] = both ? diffObjects(from[name] as JsonRecord, value) : withoutAbsent(value);
  }
  return patch;
}

/** Equality of JSON values; a field that is undefined is the same as none. */
export function isEqual(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (Array.isArray(one) && Array.isArray(other))
    return one.length === other.length && one.every((item, index) => isEqual(item, other[index]));
  if (!isRecord(one) || !isRecord(other)) return false;
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  for (const name of names) if (!isEqual(one[name], other[name])) return false;
  return true;
}

/** In a merge patch null means "remove", so a whole new value must not carry absent fields. */
function withoutAbsent(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutAbsent);
  if (!isRecord(value)) return value;
  const present = Object.entries(value).filter(([, field]) => isPresent(field));
  return Object.fromEntries(present.map(([name, field]) => [name, withoutAbsent(field)]));
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function asRecord(value: object): JsonRecord {
  return value as JsonRecord;
}
