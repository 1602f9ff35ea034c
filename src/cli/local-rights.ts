// Who the parts of the local environment are. With authorization they are the service accounts of an
// installation with exactly the rights that the chart would grant them: what works here works there.
import { type Access, type AccessRule, agentAccess, controllerAccess } from '../api/access.ts';
import type { KubeClient } from '../kube/index.ts';
import { isAlreadyExists } from '../kube/index.ts';

export type LocalAuthorization = 'AlwaysAllow' | 'RBAC';

/** As a token of a pod says it; agents are bound to their node. */
export interface LocalUser {
  readonly username: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

export const administrator: LocalUser = {
  username: 'poolkeeper-local',
  groups: ['system:masters'],
};

export function partUser(
  part: 'agent' | 'controller',
  namespace: string,
  nodeName?: string,
): LocalUser {
  const username = `system:serviceaccount:${namespace}:poolkeeper-${part}`;
  const groups = ['system:serviceaccounts', `system:serviceaccounts:${namespace}`];
  if (nodeName === undefined) return { username, groups };
  return { username, groups, extra: { 'authentication.kubernetes.io/node-name': [nodeName] } };
}

const RBAC = 'rbac.authorization.k8s.io';
const ROOT = `/apis/${RBAC}/v1`;

/** Roles and bindings of the controller and the agents. After a restart they are there already. */
export async function grantRights(client: KubeClient, namespace: string): Promise<void> {
  for (const [part, access] of [
    ['controller', controllerAccess],
    ['agent', agentAccess],
  ] as const) {
    const name = `poolkeeper-${part}`;
    await grant(client, { name, rules: clusterRules(access), account: { name, namespace } });
    const rules = [...access.agentNamespace, ...access.ownNamespace];
    const own = { name, rules, account: { name, namespace } };
    await grant(client, { ...own, namespace });
  }
}

const clusterRules = ({ cluster, namespaces, secrets }: Access): AccessRule[] => [
  ...cluster,
  ...namespaces,
  ...secrets,
];

interface Grant {
  readonly name: string;
  readonly rules: readonly AccessRule[];
  readonly account: { readonly name: string; readonly namespace: string };
  /** Absent: in the whole cluster. */
  readonly namespace?: string;
}

async function grant(
  client: KubeClient,
  { name, rules, account, namespace }: Grant,
): Promise<void> {
  const kind = namespace ? 'Role' : 'ClusterRole';
  const folder = namespace ? `${ROOT}/namespaces/${namespace}/roles` : `${ROOT}/clusterroles`;
  const bindings = folder.replace(/roles$/, 'rolebindings');
  const apiVersion = `${RBAC}/v1`;
  const metadata = { name };
  await make(client, folder, {
    apiVersion,
    kind,
    metadata,
    rules: rules.map(({ group, resources, verbs }) => ({ apiGroups: [group], resources, verbs })),
  });
  await make(client, bindings, {
    apiVersion,
    kind: `${kind}Binding`,
    metadata,
    roleRef: { apiGroup: RBAC, kind, name },
    subjects: [{ kind: 'ServiceAccount', ...account }],
  });
}

async function make(client: KubeClient, path: string, object: object): Promise<void> {
  await client.post(path, object).catch((error: unknown) => {
    if (!isAlreadyExists(error)) throw error;
  });
}
