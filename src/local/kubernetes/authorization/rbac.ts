// Role-based access control over the stored Roles, ClusterRoles and their bindings. What a user may
// do is worked out once and forgotten when any of these objects changes.
import type { User } from '../authentication/user.ts';
import { asArray, asObject, asString, type JsonObject } from '../objects/json.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import type { Store } from '../storage/store.ts';
import type { Attributes, Authorizer } from './authorizer.ts';

const GROUP = 'rbac.authorization.k8s.io';
const shelfOf = (plural: string): string => `${GROUP}/${plural}`;
const SHELVES = new Set(
  ['roles', 'rolebindings', 'clusterroles', 'clusterrolebindings'].map(shelfOf),
);

/** What every authenticated user may read, as on any cluster: discovery and version. */
const DISCOVERY = ['/api', '/apis', '/openapi', '/version', '/healthz', '/livez', '/readyz'];
/** Users in it may do everything; no role is asked. */
const MASTERS = 'system:masters';

interface Rule {
  readonly verbs: readonly string[];
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames: readonly string[];
  readonly nonResourceUrls: readonly string[];
}

/** A rule where it applies: in one namespace, or everywhere. */
interface Grant {
  readonly namespace: string | undefined;
  readonly binding: string;
  readonly rules: readonly Rule[];
}

export class RoleBasedAccess implements Authorizer {
  readonly #store: Store;
  readonly #grants = new Map<string, readonly Grant[]>();

  constructor(store: Store) {
    this.#store = store;
    store.onCommit((shelf) => {
      if (SHELVES.has(shelf)) this.#grants.clear();
    });
  }

  allowedBecause(wanted: Attributes): string | undefined {
    const { user } = wanted;
    if (user.groups.includes(MASTERS)) return `the group ${MASTERS}`;
    if (isForEverybody(wanted)) return 'every authenticated user may';
    for (const { namespace, binding, rules } of this.#grantsOf(user)) {
      if (namespace !== undefined && namespace !== wanted.namespace) continue;
      if (rules.some((rule) => covers(rule, wanted))) return binding;
    }
    return undefined;
  }

  #grantsOf(user: User): readonly Grant[] {
    const key = JSON.stringify([user.username, user.groups]);
    const known = this.#grants.get(key);
    if (known) return known;
    const grants = [
      ...this.#bindings('clusterrolebindings', user),
      ...this.#bindings('rolebindings', user),
    ];
    this.#grants.set(key, grants);
    return grants;
  }

  #bindings(plural: 'clusterrolebindings' | 'rolebindings', user: User): Grant[] {
    const bindings = this.#store.shelf(shelfOf(plural)).list();
    return bindings
      .filter((binding) => asArray(binding['subjects']).some((one) => names(asObject(one), user)))
      .map((binding) => ({
        namespace: binding.metadata.namespace,
        binding: `${binding.kind} ${binding.metadata.name}`,
        rules: this.#rulesOf(binding),
      }));
  }

  #rulesOf(binding: KubeObject): Rule[] {
    const reference = asObject(binding['roleRef']);
    const name = asString(reference['name']);
    const role =
      reference['kind'] === 'ClusterRole'
        ? this.#store.shelf(shelfOf('clusterroles')).get(name)
        : this.#store.shelf(shelfOf('roles')).get(`${binding.metadata.namespace}/${name}`);
    return asArray(role?.['rules']).map(asObject).map(ruleOf);
  }
}

function isForEverybody({ verb, path, group, resource }: Attributes): boolean {
  if (path !== undefined) {
    return verb === 'get' && DISCOVERY.some((one) => path === one || path.startsWith(`${one}/`));
  }
  const isAboutOneself =
    (group === 'authorization.k8s.io' && resource.startsWith('selfsubject')) ||
    (group === 'authentication.k8s.io' && resource === 'selfsubjectreviews');
  return verb === 'create' && isAboutOneself;
}

function names(subject: JsonObject, { username, groups }: User): boolean {
  const name = asString(subject['name']);
  switch (subject['kind']) {
    case 'User':
      return name === username;
    case 'Group':
      return groups.includes(name);
    case 'ServiceAccount':
      return username === `system:serviceaccount:${asString(subject['namespace'])}:${name}`;
    default:
      return false;
  }
}

function ruleOf(rule: JsonObject): Rule {
  const texts = (field: string): string[] => asArray(rule[field]).map(String);
  return {
    verbs: texts('verbs'),
    apiGroups: texts('apiGroups'),
    resources: texts('resources'),
    resourceNames: texts('resourceNames'),
    nonResourceUrls: texts('nonResourceURLs'),
  };
}

function covers(rule: Rule, wanted: Attributes): boolean {
  const { verb, group, resource, subresource, name, path } = wanted;
  if (!includes(rule.verbs, verb)) return false;
  if (path !== undefined) {
    return rule.nonResourceUrls.some((url) =>
      url.endsWith('*') ? path.startsWith(url.slice(0, -1)) : path === url,
    );
  }
  const asked = subresource ? `${resource}/${subresource}` : resource;
  const isMeant = includes(rule.resources, asked) || rule.resources.includes(`*/${subresource}`);
  if (!includes(rule.apiGroups, group) || !isMeant) return false;
  return rule.resourceNames.length === 0 || rule.resourceNames.includes(name);
}

const includes = (list: readonly string[], value: string): boolean =>
  list.includes('*') || list.includes(value);
