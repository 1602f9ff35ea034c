// The messages that kubectl and helm send in protobuf whatever the server offers: those of typed
// `create` commands, and the options of deletions. Each is a table from field number to name and type.

export type FieldType =
  | 'string'
  | 'bytes'
  | 'integer'
  | 'boolean'
  | 'time'
  | 'integer-or-string'
  | 'string-map'
  | 'bytes-map'
  | Message;

export interface Field {
  readonly name: string;
  readonly type: FieldType;
  readonly repeated?: boolean;
}

export type Message = Readonly<Record<number, Field>>;

const field = (name: string, type: FieldType = 'string'): Field => ({ name, type });
const list = (name: string, type: FieldType = 'string'): Field => ({ name, type, repeated: true });

const ownerReference: Message = {
  1: field('kind'),
  3: field('name'),
  4: field('uid'),
  5: field('apiVersion'),
  6: field('controller', 'boolean'),
  7: field('blockOwnerDeletion', 'boolean'),
};

const metadata = field('metadata', {
  1: field('name'),
  2: field('generateName'),
  3: field('namespace'),
  5: field('uid'),
  6: field('resourceVersion'),
  8: field('creationTimestamp', 'time'),
  11: field('labels', 'string-map'),
  12: field('annotations', 'string-map'),
  13: list('ownerReferences', ownerReference),
  14: list('finalizers'),
});

const rule: Message = {
  1: list('verbs'),
  2: list('apiGroups'),
  3: list('resources'),
  4: list('resourceNames'),
  5: list('nonResourceURLs'),
};

const role: Message = { 1: metadata, 2: list('rules', rule) };

const binding: Message = {
  1: metadata,
  2: list('subjects', {
    1: field('kind'),
    2: field('apiGroup'),
    3: field('name'),
    4: field('namespace'),
  }),
  3: field('roleRef', { 1: field('apiGroup'), 2: field('kind'), 3: field('name') }),
};

const accessReview: Message = {
  1: metadata,
  2: field('spec', {
    1: field('resourceAttributes', {
      1: field('namespace'),
      2: field('verb'),
      3: field('group'),
      4: field('version'),
      5: field('resource'),
      6: field('subresource'),
      7: field('name'),
    }),
    2: field('nonResourceAttributes', { 1: field('path'), 2: field('verb') }),
  }),
};

const selector = field('selector', { 1: field('matchLabels', 'string-map') });

const container: Message = {
  1: field('name'),
  2: field('image'),
  3: list('command'),
  4: list('args'),
  6: list('ports', {
    1: field('name'),
    3: field('containerPort', 'integer'),
    4: field('protocol'),
  }),
  7: list('env', { 1: field('name'), 2: field('value') }),
  14: field('imagePullPolicy'),
};

const template = field('template', {
  1: metadata,
  2: field('spec', { 2: list('containers', container), 3: field('restartPolicy') }),
});

const servicePort: Message = {
  1: field('name'),
  2: field('protocol'),
  3: field('port', 'integer'),
  4: field('targetPort', 'integer-or-string'),
};

/** As much of workloads as `kubectl create` fills in. */
const WORKLOADS: Readonly<Record<string, Message>> = {
  Deployment: {
    1: metadata,
    2: field('spec', { 1: field('replicas', 'integer'), 2: selector, 3: template }),
  },
  Job: { 1: metadata, 2: field('spec', { 6: template }) },
  Service: {
    1: metadata,
    2: field('spec', {
      1: list('ports', servicePort),
      2: field('selector', 'string-map'),
      3: field('clusterIP'),
      4: field('type'),
      10: field('externalName'),
    }),
  },
  PodDisruptionBudget: {
    1: metadata,
    2: field('spec', {
      1: field('minAvailable', 'integer-or-string'),
      2: selector,
      3: field('maxUnavailable', 'integer-or-string'),
    }),
  },
  PriorityClass: {
    1: metadata,
    2: field('value', 'integer'),
    3: field('globalDefault', 'boolean'),
    4: field('description'),
    5: field('preemptionPolicy'),
  },
};

/** By kind; the versions served are the only ones there are. */
const deleteOptions: Message = {
  1: field('gracePeriodSeconds', 'integer'),
  2: field('preconditions', { 1: field('uid'), 2: field('resourceVersion') }),
  3: field('orphanDependents', 'boolean'),
  4: field('propagationPolicy'),
  5: list('dryRun'),
};

export const MESSAGES: Readonly<Record<string, Message>> = {
  DeleteOptions: deleteOptions,
  ...WORKLOADS,
  Namespace: { 1: metadata, 2: field('spec', { 1: list('finalizers') }) },
  ConfigMap: {
    1: metadata,
    2: field('data', 'string-map'),
    3: field('binaryData', 'bytes-map'),
    4: field('immutable', 'boolean'),
  },
  Secret: {
    1: metadata,
    2: field('data', 'bytes-map'),
    3: field('type'),
    4: field('stringData', 'string-map'),
    5: field('immutable', 'boolean'),
  },
  ServiceAccount: {
    1: metadata,
    3: list('imagePullSecrets', { 1: field('name') }),
    4: field('automountServiceAccountToken', 'boolean'),
  },
  TokenRequest: {
    1: metadata,
    2: field('spec', {
      1: list('audiences'),
      3: field('boundObjectRef', {
        1: field('kind'),
        2: field('apiVersion'),
        3: field('name'),
        4: field('uid'),
      }),
      4: field('expirationSeconds', 'integer'),
    }),
  },
  Role: role,
  ClusterRole: role,
  RoleBinding: binding,
  ClusterRoleBinding: binding,
  SelfSubjectAccessReview: accessReview,
  SelfSubjectRulesReview: { 1: metadata, 2: field('spec', { 1: field('namespace') }) },
  SelfSubjectReview: { 1: metadata },
};
