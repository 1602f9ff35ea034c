// Rows and columns of `kubectl get`.
import type { KubeObject } from '../objects/kube-object.ts';
import type { ResourceType } from '../resources/resource-type.ts';

export function tableColumns(type: ResourceType): object[] {
  return type.columns.map((column) => ({
    name: column.name,
    type: column.type,
    format: column.format ?? '',
    description: column.description ?? '',
    priority: column.priority ?? 0,
  }));
}

export function tableRow(
  object: KubeObject,
  type: ResourceType,
  nowMilliseconds: number,
): unknown[] {
  return type.columns.map((column) => column.value(object, nowMilliseconds));
}
