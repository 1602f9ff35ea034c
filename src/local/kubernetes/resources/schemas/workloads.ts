// Schemas of what a chart installs besides the core resources: workloads, disruption budgets,
// network policies. Fields in everyday use are listed, others are kept as they are.
import {
  anything,
  flag,
  listOf,
  mapOf,
  openRecord,
  quantity,
  record,
  text,
  whole,
} from '../../schema/builders.ts';
import type { Schema } from '../../schema/schema.ts';
import { conditions, kindSchema, labelSelector, objectMeta } from './metadata.ts';
import { podSpec } from './pods.ts';

const template = record({ metadata: objectMeta, spec: podSpec }, 'The pods to make.');

const workload = (description: string, fields: Readonly<Record<string, Schema>>): Schema =>
  kindSchema(description, {
    spec: openRecord(
      {
        selector: labelSelector,
        template,
        minReadySeconds: whole('How long a new pod must be ready to count.'),
        revisionHistoryLimit: whole('How many former versions are kept.'),
        ...fields,
      },
      'What shall run.',
    ),
    status: openRecord({ conditions, observedGeneration: whole() }, 'What runs.'),
  });

export const deploymentSchema = workload('Deployment keeps a number of equal pods running.', {
  replicas: whole('How many pods.'),
  paused: flag('Whether changes of the template are held back.'),
  progressDeadlineSeconds: whole('When a change counts as failed.'),
  strategy: openRecord({
    type: text('RollingUpdate or Recreate.'),
    rollingUpdate: openRecord({ maxSurge: quantity(), maxUnavailable: quantity() }),
  }),
});

export const daemonSetSchema = workload('DaemonSet keeps one pod running on each node.', {
  updateStrategy: openRecord({
    type: text('RollingUpdate or OnDelete.'),
    rollingUpdate: openRecord({ maxSurge: quantity(), maxUnavailable: quantity() }),
  }),
});

export const jobSchema = workload('Job runs pods until they succeed.', {
  backoffLimit: whole('How often it is tried again.'),
  completions: whole('How many pods must succeed.'),
  parallelism: whole('How many pods run at the same time.'),
});

export const disruptionBudgetSchema = kindSchema('Limits how many pods may be evicted at once.', {
  spec: openRecord(
    {
      minAvailable: quantity('How many must stay.'),
      maxUnavailable: quantity('How many may go.'),
      selector: labelSelector,
      unhealthyPodEvictionPolicy: text('IfHealthyBudget or AlwaysAllow.'),
    },
    'Which pods, and how many of them.',
  ),
  status: openRecord({ conditions, observedGeneration: whole() }),
});

export const networkPolicySchema = kindSchema('Says who may talk to which pods.', {
  spec: record(
    {
      podSelector: labelSelector,
      policyTypes: listOf(text(), 'Ingress, Egress.'),
      ingress: listOf(anything(), 'Who may come in.'),
      egress: listOf(anything(), 'Where the pods may go.'),
    },
    'The pods and their peers.',
  ),
});

export const priorityClassSchema = kindSchema('Says how important pods are.', {
  value: whole('Higher is more important.'),
  globalDefault: flag('Whether pods without a class have this one.'),
  description: text('When to use it.'),
  preemptionPolicy: text('PreemptLowerPriority or Never.'),
  parameters: mapOf(text()),
});
