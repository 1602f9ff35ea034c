// Field selectors: `metadata.name=a,status.phase!=b`, over the fields a resource declares.
import { getPath } from '../objects/json.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import { badRequest } from '../objects/status-error.ts';
import type { ResourceType } from '../resources/resource-type.ts';

export interface FieldSelector {
  readonly matches: (object: KubeObject) => boolean;
  /** Set when the selector names one object, which saves looking at all. */
  readonly name: string | undefined;
}

export function parseFieldSelector(text: string, type: ResourceType): FieldSelector {
  const allowed = new Set(['metadata.name', ...(type.selectableFields ?? [])]);
  if (type.namespaced) allowed.add('metadata.namespace');
  let name: string | undefined;
  const requirements = text
    .split(',')
    .filter((part) => part !== '')
    .map((part) => {
      const match = /^([^=!]+)(==|=|!=)(.*)$/.exec(part);
      if (!match) throw badRequest(`invalid selector: '${part}'; can't understand '${part}'`);
      const [, field, operator, value] = match as unknown as [string, string, string, string];
      if (!allowed.has(field)) {
        throw badRequest(`field label not supported: ${field}`);
      }
      const equal = operator !== '!=';
      if (field === 'metadata.name' && equal) name = value;
      const path = field.split('.');
      return (object: KubeObject) => (shown(getPath(object, path)) === value) === equal;
    });
  return { name, matches: (object) => requirements.every((requirement) => requirement(object)) };
}

function shown(value: unknown): string {
  return value === undefined || value === null ? '' : String(value);
}
