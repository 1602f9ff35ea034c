// The metadata of built objects: complete, and different for every name.
import { createHash } from 'node:crypto';
import type { ObjectMeta } from '../../src/api/object.ts';

export const apiVersion = 'poolkeeper.dev/v1alpha1';
export const namespace = 'stories';
/** When everything that says nothing else was created. */
export const createdAt = Date.UTC(2026, 0, 1, 12);

export type BuiltMeta = ObjectMeta & { namespace: string };

/** A uid that is always the same for the same words. */
export function uidOf(...words: readonly string[]): string {
  const hex = createHash('sha256').update(words.join('/')).digest('hex');
  const variant = `8${hex.slice(17, 20)}`;
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}-${hex.slice(20, 32)}`;
}

export function metadataOf(
  kind: string,
  name: string,
  overrides: Partial<BuiltMeta> = {},
): BuiltMeta {
  return {
    name,
    namespace,
    uid: uidOf(kind, name),
    resourceVersion: '1',
    generation: 1,
    creationTimestamp: timeAt(0),
    ...overrides,
  };
}

/** RFC 3339, so many seconds after `createdAt`. */
export function timeAt(seconds: number): string {
  return `${new Date(createdAt + seconds * 1000).toISOString().slice(0, 19)}Z`;
}
