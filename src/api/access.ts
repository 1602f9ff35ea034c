// What the controller and the agents may ask of the API server: every right, and what it is for.
// The chart's roles are generated from here, and a test compares this with the calls in the code, so
// a call without its right, and a right without a call, are both found before they are shipped.
import * as builtIns from './built-in.ts';
import type { AnyObject, Resource } from './object.ts';
import * as kinds from './resources.ts';

export type AccessVerb =
  | 'create'
  | 'delete'
  | 'deletecollection'
  | 'get'
  | 'list'
  | 'patch'
  | 'update'
  | 'watch';

export interface AccessRule {
  readonly group: string;
  /** Plurals; with a subresource as `nodemounts/status`. */
  readonly resources: readonly string[];
  readonly verbs: readonly AccessVerb[];
  /** A sentence for whoever reviews the roles. */
  readonly because: string;
}

export interface Access {
  /** On what belongs to no namespace. */
  readonly cluster: readonly AccessRule[];
  /** In the namespaces that are watched: all of them unless the operator is narrowed. */
  readonly namespaces: readonly AccessRule[];
  /** In the namespace of the agents: the operator's own, unless another installation runs them. */
  readonly agentNamespace: readonly AccessRule[];
  /** In the operator's own namespace. */
  readonly ownNamespace: readonly AccessRule[];
  /** In the namespaces whose objects may name Secrets: all of them unless the chart is told otherwise. */
  readonly secrets: readonly AccessRule[];
}

type Named = Resource<never> | Resource<AnyObject>;

function rule(
  because: string,
  verbs: readonly AccessVerb[],
  resources: readonly unknown[],
  subresource?: 'status' | 'finalizers',
): AccessRule {
  const named = resources as readonly Named[];
  const suffix = subresource === undefined ? '' : `/${subresource}`;
  return {
    group: named[0]?.group ?? '',
    resources: named.map(({ plural }) => `${plural}${suffix}`),
    verbs,
    because,
  };
}

const {
  events,
  leases,
  namespaces,
  nodes,
  persistentVolumes,
  secrets,
  configMaps,
  storageClasses,
} = builtIns;
const {
  backendProbes,
  instanceClaims,
  instancePools,
  nodeMounts,
  poolInstances,
  poolVolumes,
  storageBackends,
  storageNodes,
  storagePools,
  volumePools,
} = kinds;

const userKinds = [instancePools, volumePools, instanceClaims, storagePools, storageBackends];
const members = [poolInstances, poolVolumes];

export const controllerAccess: Access = {
  cluster: [
    rule(
      'knows which nodes there are, and their disks; forgets those of nodes that are gone',
      ['delete', 'list', 'watch'],
      [storageNodes],
    ),
    rule('says that an inventory is no longer kept', ['patch'], [storageNodes], 'status'),
    rule('knows which nodes there are', ['list', 'watch'], [nodes]),
    rule(
      'offers storage to pods, and takes the offer back',
      ['create', 'delete', 'list', 'patch', 'watch'],
      [persistentVolumes],
    ),
    rule('names the class of what it offers', ['create', 'delete', 'get'], [storageClasses]),
    {
      group: 'authentication.k8s.io',
      resources: ['tokenreviews'],
      verbs: ['create'],
      because: 'learns which agent asks for the credentials of a mount',
    },
  ],
  namespaces: [
    rule('reads what users want', ['get', 'list', 'watch'], userKinds),
    rule('holds and lets go of what users made, by finalizers', ['patch'], userKinds),
    rule('says how far it is', ['patch'], userKinds, 'status'),
    rule(
      'keeps a record of every machine and disk',
      ['create', 'delete', 'get', 'list', 'patch', 'watch'],
      members,
    ),
    rule('says where each of them is in its life', ['patch'], members, 'status'),
    rule(
      'asks agents for storage, and lets go of what a lost node left',
      ['create', 'delete', 'list', 'patch', 'watch'],
      [nodeMounts],
    ),
    rule(
      'asks agents to probe the backends that only nodes reach',
      ['create', 'delete', 'list', 'patch', 'watch'],
      [backendProbes],
    ),
    rule('learns whether a namespace is going away', ['get'], [namespaces]),
    rule('reads the certificates that backends name', ['get'], [configMaps]),
    rule('tells people what happened', ['create', 'patch'], [events]),
  ],
  agentNamespace: [rule('hears the heartbeats of the agents', ['list', 'watch'], [leases])],
  ownNamespace: [rule('leads', ['create', 'get', 'update'], [leases])],
  secrets: [
    rule('reads the Secrets that pools and backends name; never lists them', ['get'], [secrets]),
  ],
};

export const agentAccess: Access = {
  cluster: [
    rule('publishes the disks of its node', ['create', 'get'], [storageNodes]),
    rule('says what they hold', ['patch'], [storageNodes], 'status'),
  ],
  // What is asked of a node may come from any namespace.
  namespaces: [
    rule('reads what is wanted of its node', ['get', 'list', 'watch'], [nodeMounts]),
    rule('reads which backends its node is to probe', ['list', 'watch'], [backendProbes]),
    rule('says how far it is', ['patch'], [nodeMounts, backendProbes], 'status'),
    rule('tells people what happened', ['create', 'patch'], [events]),
  ],
  agentNamespace: [],
  ownNamespace: [rule('gives a sign of life', ['create', 'patch'], [leases])],
  secrets: [],
};
