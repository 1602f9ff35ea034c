// What a chart installs besides the core resources. Stored and shown; nothing runs here, so their
// status says only that the wish was seen.
import { asObject, getPath } from '../objects/json.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import { cause, type StatusCause } from '../objects/status-error.ts';
import { selects } from '../policies/matching.ts';
import { ageColumn, nameColumn, pathColumn, textColumn } from './columns.ts';
import { defineResource } from './define.ts';
import type { ResourceType, Strategy } from './resource-type.ts';
import {
  daemonSetSchema,
  deploymentSchema,
  disruptionBudgetSchema,
  jobSchema,
  networkPolicySchema,
  priorityClassSchema,
} from './schemas/workloads.ts';

const apps = { group: 'apps', version: 'v1', namespaced: true, statusSubresource: true } as const;
const all = ['all'];
const count = (name: string, path: string) =>
  textColumn(name, (object) => getPath(object, path.split('.')) ?? 0);

/** A workload whose selector misses its own pods, or that has no containers, is refused. */
const workloadRules: Strategy = {
  validate(object) {
    const spec = asObject(object['spec']);
    const template = asObject(spec['template']);
    const causes: StatusCause[] = [];
    const containers = asObject(template['spec'])['containers'];
    if (!Array.isArray(containers) || containers.length === 0) {
      causes.push(cause.required('spec.template.spec.containers'));
    }
    if (object.kind === 'Job') return causes;
    if (spec['selector'] === undefined) return [...causes, cause.required('spec.selector')];
    const labels = asObject(asObject(template['metadata'])['labels']) as Record<string, string>;
    if (!selects(asObject(spec['selector']), labels)) {
      const words = '`selector` does not match template `labels`';
      causes.push(cause.invalid('spec.template.metadata.labels', labels, words));
    }
    return causes;
  },
};

const deployments = defineResource({
  ...apps,
  kind: 'Deployment',
  plural: 'deployments',
  schema: deploymentSchema,
  shortNames: ['deploy'],
  categories: all,
  generations: true,
  strategy: {
    ...workloadRules,
    prepare: (object, { old }) => (old ? object : withSpec(object, { replicas: 1 })),
  },
  columns: [
    nameColumn,
    textColumn('Ready', (object) => {
      const ready = getPath(object, ['status', 'readyReplicas']) ?? 0;
      return `${ready}/${getPath(object, ['spec', 'replicas']) ?? 1}`;
    }),
    count('Up-to-date', 'status.updatedReplicas'),
    count('Available', 'status.availableReplicas'),
    ageColumn,
  ],
});

const daemonSets = defineResource({
  ...apps,
  kind: 'DaemonSet',
  plural: 'daemonsets',
  schema: daemonSetSchema,
  shortNames: ['ds'],
  categories: all,
  generations: true,
  strategy: workloadRules,
  columns: [
    nameColumn,
    count('Desired', 'status.desiredNumberScheduled'),
    count('Current', 'status.currentNumberScheduled'),
    count('Ready', 'status.numberReady'),
    count('Up-to-date', 'status.updatedNumberScheduled'),
    count('Available', 'status.numberAvailable'),
    ageColumn,
  ],
});

const jobs = defineResource({
  ...apps,
  group: 'batch',
  kind: 'Job',
  plural: 'jobs',
  schema: jobSchema,
  categories: all,
  generations: true,
  strategy: workloadRules,
  columns: [nameColumn, count('Completions', 'status.succeeded'), ageColumn],
});

const disruptionBudgets = defineResource({
  group: 'policy',
  version: 'v1',
  kind: 'PodDisruptionBudget',
  plural: 'poddisruptionbudgets',
  schema: disruptionBudgetSchema,
  namespaced: true,
  shortNames: ['pdb'],
  statusSubresource: true,
  generations: true,
  columns: [
    nameColumn,
    textColumn('Min Available', (object) => getPath(object, ['spec', 'minAvailable']) ?? 'N/A'),
    textColumn('Max Unavailable', (object) => getPath(object, ['spec', 'maxUnavailable']) ?? 'N/A'),
    count('Allowed Disruptions', 'status.disruptionsAllowed'),
    ageColumn,
  ],
});

const networkPolicies = defineResource({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'NetworkPolicy',
  plural: 'networkpolicies',
  schema: networkPolicySchema,
  namespaced: true,
  shortNames: ['netpol'],
  generations: true,
  columns: [nameColumn, textColumn('Pod-Selector', podSelector), ageColumn],
});

const priorityClasses = defineResource({
  group: 'scheduling.k8s.io',
  version: 'v1',
  kind: 'PriorityClass',
  plural: 'priorityclasses',
  schema: priorityClassSchema,
  namespaced: false,
  shortNames: ['pc'],
  columns: [nameColumn, pathColumn('Value', 'value'), ageColumn],
});

function withSpec(object: KubeObject, defaults: object): KubeObject {
  return { ...object, spec: { ...defaults, ...asObject(object['spec']) } };
}

function podSelector(policy: KubeObject): string {
  const labels = Object.entries(asObject(getPath(policy, ['spec', 'podSelector', 'matchLabels'])));
  return labels.map(([key, value]) => `${key}=${String(value)}`).join(',') || '<none>';
}

export const workloadResources: readonly ResourceType[] = [
  deployments,
  daemonSets,
  jobs,
  disruptionBudgets,
  networkPolicies,
  priorityClasses,
];
