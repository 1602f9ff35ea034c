// The way from client-side to server-side apply: what kubectl applied before and recorded in its
// annotation may be taken over by its server-side apply without a conflict.
import { asObject, deepEqual, isObject, type JsonObject } from '../objects/json.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import type { Schema } from '../schema/schema.ts';
import type { Conflict } from './conflicts.ts';
import { difference, type FieldSet, makeNode, memberPaths } from './field-set.ts';
import { partsOf } from './structure.ts';

const ANNOTATION = 'kubectl.kubernetes.io/last-applied-configuration';
const KUBECTL = 'kubectl';

interface Takeover {
  readonly live: KubeObject | undefined;
  readonly applied: JsonObject;
  readonly manager: string;
}

export function allowedByLastApplied(
  takeover: Takeover,
  conflicts: readonly Conflict[],
  schema: Schema,
): boolean {
  const { live, manager } = takeover;
  const text = live?.metadata.annotations?.[ANNOTATION];
  if (manager !== KUBECTL || !text) return false;
  let last: unknown;
  try {
    last = JSON.parse(text);
  } catch {
    return false;
  }
  const unchanged = sameFields(last, live, schema);
  return conflicts.every(({ fields }) => {
    const left = difference(fields, unchanged);
    return !left || memberPaths(left).length === 0;
  });
}

/** The fields of `last` that still have their value in `live`. */
function sameFields(
  last: unknown,
  live: unknown,
  schema: Schema | undefined,
): FieldSet | undefined {
  const [before, now] = [partsOf(last, schema), partsOf(live, schema)];
  if (!before || !now) return deepEqual(last, live) ? makeNode(true, []) : undefined;
  const children = [...before].map(([element, part]) => {
    const other = now.get(element);
    return [element, other && sameFields(part.value, other.value, part.schema)] as const;
  });
  return makeNode(true, children);
}

/** kubectl's annotation stays true when kubectl applies on the server. */
export function updateLastApplied(takeover: Takeover, object: JsonObject): JsonObject {
  const { live, applied, manager } = takeover;
  if (manager !== KUBECTL || !live?.metadata.annotations?.[ANNOTATION]) return object;
  const metadata = asObject(object['metadata']);
  const sent = asObject(applied['metadata']);
  const annotations = { ...asObject(sent['annotations']) };
  delete annotations[ANNOTATION];
  const config = {
    ...applied,
    metadata: { ...sent, ...(isObject(sent['annotations']) ? { annotations } : {}) },
  };
  return {
    ...object,
    metadata: {
      ...metadata,
      annotations: {
        ...asObject(metadata['annotations']),
        [ANNOTATION]: `${JSON.stringify(config)}\n`,
      },
    },
  };
}
