// The endpoint of server-side apply: checks what was sent, applies it, creates what is not there.

import { formatTime } from '../../../runtime/clock.ts';
import { applyConfiguration } from '../apply/server-side-apply.ts';
import type { Backend, Call } from '../backend.ts';
import type { JsonObject } from '../objects/json.ts';
import { isObject } from '../objects/json.ts';
import { type KubeObject, looseMetadata } from '../objects/kube-object.ts';
import {
  badRequest,
  cause,
  conflict,
  invalidOption,
  notFound,
  StatusError,
} from '../objects/status-error.ts';
import { apiVersionOf } from '../resources/resource-type.ts';
import { listItemKey } from '../schema/list-keys.ts';
import { prune } from '../schema/pruning.ts';
import type { Schema } from '../schema/schema.ts';
import { insert } from './create.ts';
import { checkIdentity, parseBody } from './decode.ts';
import { writeOptions } from './options.ts';
import { commitUpdate, find } from './update.ts';

export function applyPatch(backend: Backend, call: Call): { object: KubeObject; created: boolean } {
  const { type, target } = call;
  const manager = target.query.get('fieldManager');
  if (!manager) {
    const problem = cause.required('fieldManager', 'is required for apply patch');
    throw invalidOption('PatchOptions', problem);
  }
  const options = writeOptions(call);
  const applied = checkIdentity(call, parseBody(call.body, true));
  const sent = looseMetadata(applied);
  if (sent.managedFields !== undefined) throw badRequest('metadata.managedFields must be nil');
  checkDeclared(call, applied);
  const live = find(backend, call);
  if (!live && target.subresource) throw notFound(type, target.name);
  if (!live && sent.uid) {
    const words = `uid mismatch: the provided object specified uid ${sent.uid}, and no existing object was found`;
    throw conflict(type, target.name, words);
  }
  const { object, managedFields } = applyConfiguration({
    type,
    live,
    applied,
    manager,
    force: options.force,
    subresource: target.subresource,
    now: formatTime(backend.clock.now()),
  });
  if (!live) {
    const fresh = locked(object, undefined);
    return { object: insert(backend, call, fresh, options, managedFields), created: true };
  }
  const change = { sent: locked(object, sent.resourceVersion), options, managedFields };
  return { object: commitUpdate(backend, call, live, change), created: false };
}

/** A version in the applied configuration must be the live one. */
function locked(object: JsonObject, resourceVersion: string | undefined): JsonObject {
  const { resourceVersion: _live, ...metadata } = looseMetadata(object);
  const lock = resourceVersion ? { resourceVersion } : {};
  return { ...object, metadata: { ...metadata, ...lock } };
}

/** What the schema doesn't know can't be owned, so it is refused whatever the validation mode. */
function checkDeclared(call: Call, applied: JsonObject): void {
  const { schema } = call.type;
  if (!schema) return;
  const problems: string[] = [];
  prune(applied, schema, problems);
  const words = [
    ...problems.map((path) => `.${path}: field not declared in schema`),
    ...keyProblems(applied, schema, ''),
  ];
  if (words.length === 0) return;
  const { name, namespace } = looseMetadata(applied);
  const place = `${namespace ?? ''}/${name ?? ''}; ${apiVersionOf(call.type)}, Kind=${call.type.kind}`;
  const text = words.length === 1 ? words[0] : `errors:\n${words.map((w) => `  ${w}`).join('\n')}`;
  throw new StatusError(500, '', `failed to create typed patch object (${place}): ${text}`);
}

function keyProblems(value: unknown, schema: Schema | undefined, path: string): string[] {
  if (!schema) return [];
  if (isObject(value)) {
    return Object.entries(value).flatMap(([key, item]) =>
      keyProblems(item, schema.properties?.[key], `${path}.${key}`),
    );
  }
  if (!Array.isArray(value)) return [];
  const keys = value.map((item) => listItemKey(item, schema));
  const twice = keys.find((key, index) => key !== undefined && keys.indexOf(key) < index);
  if (twice !== undefined) return [`${path}: duplicate entries for key ${shownKey(twice)}`];
  return (schema['x-kubernetes-list-map-keys'] ?? []).flatMap((name) => {
    const index = value.findIndex((item) => !isObject(item) || item[name] === undefined);
    if (index < 0 || schema.items?.properties?.[name]?.default !== undefined) return [];
    return [
      `${path}: element ${index}: associative list with keys has an element that omits ` +
        `key field "${name}" (and doesn't have default value)`,
    ];
  });
}

function shownKey(key: string): string {
  const identity: unknown = JSON.parse(key);
  if (!isObject(identity)) return `[=${key}]`;
  const parts = Object.entries(identity).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return `[${parts.join(',')}]`;
}
