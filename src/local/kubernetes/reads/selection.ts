// Which objects a list or watch is about.
import type { Call } from '../backend.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import { parseFieldSelector } from './field-selector.ts';
import { parseLabelSelector } from './label-selector.ts';

export interface Selection {
  readonly namespace: string | undefined;
  readonly selective: boolean;
  readonly matches: (object: KubeObject) => boolean;
}

/** `matches` takes objects as they are kept and includes the namespace. */
export function selectionOf(call: Call): Selection {
  const { type, target } = call;
  const labels = target.query.get('labelSelector');
  const fields = target.query.get('fieldSelector');
  const byLabels = labels ? parseLabelSelector(labels) : undefined;
  const byFields = fields ? parseFieldSelector(fields, type) : undefined;
  const namespace = type.namespaced && target.namespace ? target.namespace : undefined;
  const fieldsMatch = (object: KubeObject): boolean =>
    byFields === undefined || byFields.matches(type.fromShelf?.(object) ?? object);
  return {
    namespace,
    selective: byLabels !== undefined || byFields !== undefined,
    matches: (object) =>
      (namespace === undefined || object.metadata.namespace === namespace) &&
      (target.name === '' || object.metadata.name === target.name) &&
      (byLabels === undefined || byLabels(object.metadata.labels ?? {})) &&
      fieldsMatch(object),
  };
}
