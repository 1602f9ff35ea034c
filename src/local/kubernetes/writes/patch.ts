// Patches: JSON patch, merge patch, strategic merge patch (built-ins), and server-side apply.
import jsonPatch from 'fast-json-patch';
import type { Backend, Call } from '../backend.ts';
import { deepCopy, isObject, type JsonObject } from '../objects/json.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import {
  badRequest,
  cause,
  invalidOption,
  notFound,
  StatusError,
  unsupportedMediaType,
} from '../objects/status-error.ts';
import { applyPatch } from './apply.ts';
import { checkIdentity, parseBody } from './decode.ts';
import { mergePatch } from './merge-patch.ts';
import { writeOptions } from './options.ts';
import { strategicMerge } from './strategic-merge.ts';
import { commitUpdate, find } from './update.ts';

const JSON_PATCH = 'application/json-patch+json';
const MERGE_PATCH = 'application/merge-patch+json';
const APPLY = 'application/apply-patch+yaml';
const STRATEGIC = 'application/strategic-merge-patch+json';

export function patchObject(
  backend: Backend,
  call: Call,
): { object: KubeObject; created: boolean } {
  const mediaType = (call.headers['content-type'] ?? '').split(';')[0]!.trim();
  if (mediaType === APPLY) return applyPatch(backend, call);
  if (call.target.query.has('force')) {
    const problem = cause.forbidden('force', 'may not be specified for non-apply patch');
    throw invalidOption('PatchOptions', problem);
  }
  const old = find(backend, call);
  if (!old) throw notFound(call.type, call.target.name);
  const patched = patchedObject(call, old, mediaType);
  const options = writeOptions(call);
  const sent = checkIdentity(call, patched);
  return { object: commitUpdate(backend, call, old, { sent, options }), created: false };
}

function patchedObject(call: Call, old: KubeObject, mediaType: string): JsonObject {
  switch (mediaType) {
    case JSON_PATCH:
      return applyJsonPatch(call, old);
    case MERGE_PATCH:
      return mergePatch(old, parseBody(call.body, false)) as JsonObject;
    case STRATEGIC:
      if (call.type.custom) break;
      return strategicMerge(old, parseBody(call.body, false), call.type.schema) as JsonObject;
  }
  const accepted = [JSON_PATCH, MERGE_PATCH, APPLY];
  throw unsupportedMediaType(call.type.custom ? accepted : [...accepted, STRATEGIC]);
}

/** More operations than this are refused, as a real server does. */
const OPERATIONS_LIMIT = 10_000;

function applyJsonPatch(call: Call, old: KubeObject): JsonObject {
  let operations: unknown;
  try {
    operations = JSON.parse(call.body);
  } catch (error) {
    throw badRequest(`error decoding patch: ${(error as Error).message}`);
  }
  if (!Array.isArray(operations) || !operations.every(isObject)) {
    throw badRequest('json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp');
  }
  if (operations.length > OPERATIONS_LIMIT) {
    throw new StatusError(413, 'RequestEntityTooLarge', 'too many operations in the JSON patch');
  }
  try {
    const result = jsonPatch.applyPatch(deepCopy(old), operations as never, true);
    return result.newDocument as unknown as JsonObject;
  } catch (error) {
    throw refusedPatch(error);
  }
}

/** A real server says no more than this; the log of the caller knows which patch it was. */
function refusedPatch(error: unknown): StatusError {
  const words = 'the server rejected our request due to an error in our request';
  const refusal = new StatusError(422, 'Invalid', words, {});
  refusal.cause = error;
  return refusal;
}
