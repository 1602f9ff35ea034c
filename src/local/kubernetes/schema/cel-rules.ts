import type { KubeObject } from '../objects/kube-object.ts';
import type { StatusCause } from '../objects/status-error.ts';
import type { Schema } from './schema.ts';

export function validateRules(
  _object: KubeObject,
  _old: KubeObject | undefined,
  _schema: Schema,
): StatusCause[] {
  return [];
}
