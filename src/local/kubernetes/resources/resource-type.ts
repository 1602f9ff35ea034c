// What the server knows of one resource in one version: its names, where its objects are kept,
// what may be done with it and how it is shown. Built-ins and custom resources are the same here.
import type { KubeObject } from '../objects/kube-object.ts';
import type { NameRule } from '../objects/names.ts';
import type { StatusCause } from '../objects/status-error.ts';
import type { Schema } from '../schema/schema.ts';

export interface Column {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  readonly format?: string;
  readonly description?: string;
  /** Columns above 0 are shown by `-o wide` only. */
  readonly priority?: number;
  readonly value: (object: KubeObject, nowMilliseconds: number) => unknown;
}

export type Verb =
  | 'create'
  | 'delete'
  | 'deletecollection'
  | 'get'
  | 'list'
  | 'patch'
  | 'update'
  | 'watch';

export const ALL_VERBS: readonly Verb[] = [
  'create',
  'delete',
  'deletecollection',
  'get',
  'list',
  'patch',
  'update',
  'watch',
];

export interface ValidationContext {
  /** Undefined on create. */
  readonly old: KubeObject | undefined;
  readonly subresource: string | undefined;
  /** RFC 3339. */
  readonly now: string;
}

/** Rules of single resources, beyond what the schema says. All are pure. */
export interface Strategy {
  /** Fills in and strips what the server decides itself. */
  readonly prepare?: (object: KubeObject, context: ValidationContext) => KubeObject;
  readonly validate?: (object: KubeObject, context: ValidationContext) => StatusCause[];
}

export interface ResourceType {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly listKind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  readonly verbs: readonly Verb[];
  /** Name of the shelf; several versions of one resource share it. */
  readonly shelf: string;
  readonly nameRule: NameRule;
  readonly statusSubresource: boolean;
  /** Whether generation counts changes; always true of custom resources. */
  readonly generations: boolean;
  /** Custom resources are pruned and defaulted by their schema; built-ins keep what they got. */
  readonly custom: boolean;
  readonly schema: Schema | undefined;
  readonly columns: readonly Column[];
  readonly selectableFields?: readonly string[];
  readonly strategy?: Strategy;
  /** For the few that show their deletion in their status; others get a generation. */
  readonly markDeleted?: (object: KubeObject, now: string) => KubeObject;
  /** A PUT must say which version it replaces. */
  readonly lockedUpdates?: boolean;
  /** Creates on PUT when absent, as Leases and Events do. */
  readonly createOnUpdate?: boolean;
  /** Translation between the kept form and this version's, where they differ in more than a name. */
  readonly fromShelf?: (stored: KubeObject) => KubeObject;
  readonly toShelf?: (object: KubeObject) => KubeObject;
}

export function apiVersionOf(type: { group: string; version: string }): string {
  return type.group ? `${type.group}/${type.version}` : type.version;
}

export function shelfName(group: string, plural: string): string {
  return group ? `${group}/${plural}` : plural;
}
