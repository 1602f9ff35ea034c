// Which requests an admission policy is about.
import { asArray, asObject, asString, type JsonObject } from '../objects/json.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import type { ResourceType } from '../resources/resource-type.ts';
import type { Store } from '../storage/store.ts';

export type Operation = 'CREATE' | 'UPDATE' | 'DELETE';

export interface Matched {
  readonly operation: Operation;
  readonly type: ResourceType;
  readonly subresource: string;
  readonly name: string;
  readonly namespace: string;
  readonly object: KubeObject | undefined;
  readonly oldObject: KubeObject | undefined;
}

/** `matchConstraints` of a policy or `matchResources` of a binding; absent ones match everything. */
export function matches(constraints: unknown, wanted: Matched, store: Store): boolean {
  if (constraints === undefined || constraints === null) return true;
  const asked = asObject(constraints);
  const rules = asArray(asked['resourceRules']).map(asObject);
  const excluded = asArray(asked['excludeResourceRules']).map(asObject);
  if (rules.length > 0 && !rules.some((rule) => ruleMatches(rule, wanted))) return false;
  if (excluded.some((rule) => ruleMatches(rule, wanted))) return false;
  return (
    namespaceMatches(asked['namespaceSelector'], wanted, store) && objectMatches(asked, wanted)
  );
}

function ruleMatches(rule: JsonObject, wanted: Matched): boolean {
  const { type, subresource, operation, name } = wanted;
  const texts = (field: string): string[] => asArray(rule[field]).map(String);
  const has = (field: string, value: string): boolean =>
    texts(field).includes('*') || texts(field).includes(value);
  if (!has('operations', operation) || !has('apiGroups', type.group)) return false;
  if (!has('apiVersions', type.version)) return false;
  const scope = asString(rule['scope']) || '*';
  if (scope !== '*' && (scope === 'Namespaced') !== type.namespaced) return false;
  const only = texts('resourceNames');
  if (only.length > 0 && !only.includes(name)) return false;
  return texts('resources').some((resource) => {
    const [main, sub = ''] = resource.split('/');
    const isMain = main === '*' || main === type.plural;
    // `*` alone leaves subresources out; `*/*` takes them in.
    return isMain && (sub === '*' || sub === subresource);
  });
}

function namespaceMatches(selector: unknown, wanted: Matched, store: Store): boolean {
  if (!selector || !wanted.type.namespaced) return true;
  const namespace = store.shelf('namespaces').get(wanted.namespace);
  return selects(asObject(selector), namespace?.metadata.labels ?? {});
}

function objectMatches(asked: JsonObject, { object, oldObject }: Matched): boolean {
  const selector = asked['objectSelector'];
  if (!selector) return true;
  return [object, oldObject].some(
    (one) => one && selects(asObject(selector), one.metadata.labels ?? {}),
  );
}

/** A metav1.LabelSelector. */
export function selects(selector: JsonObject, labels: Readonly<Record<string, string>>): boolean {
  const exact = Object.entries(asObject(selector['matchLabels']));
  if (!exact.every(([key, value]) => labels[key] === value)) return false;
  return asArray(selector['matchExpressions'])
    .map(asObject)
    .every((expression) => {
      const key = asString(expression['key']);
      const values = asArray(expression['values']).map(String);
      const value = labels[key];
      switch (expression['operator']) {
        case 'In':
          return value !== undefined && values.includes(value);
        case 'NotIn':
          return value === undefined || !values.includes(value);
        case 'Exists':
          return value !== undefined;
        default:
          return value === undefined;
      }
    });
}
