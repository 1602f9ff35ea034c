// The shape of the chart's values: what is misspelt or of the wrong type is refused by helm itself,
// before anything is installed.
import * as z from 'zod';
import { command as controller } from '../../src/cli/controller.ts';

/** Passed on as it is: parts of pods, which the API server checks. */
const open = z.record(z.string(), z.unknown());
const openList = z.array(open);
const labels = z.record(z.string(), z.string());
/** What is misspelt is refused by name; the values are the program's to judge. */
const controllerSettings = Object.keys(controller.settings.shape).toSorted();
const logLevel = z.enum(['debug', 'info', 'warn', 'error', 'silent']);
const duration = z.string().regex(/^([0-9]+(ms|s|m|h))+$/);

const namespace = z.string().regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/);
/** Of IP, with or without the length of a prefix and a port; the program looks closer. */
const addresses = z.array(z.string().regex(/^[0-9a-fA-F.:[\]]+(\/[0-9]{1,3})?(:[0-9]{1,5})?$/));

const image = z.strictObject({
  repository: z.string().min(1),
  tag: z.string(),
  digest: z.string().regex(/^(sha256:[0-9a-f]{64})?$/),
  pullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']),
});

const podOptions = {
  image,
  logLevel,
  extraEnv: openList,
  resources: open,
  priorityClassName: z.string(),
  nodeSelector: labels,
  tolerations: openList,
  affinity: open,
  podAnnotations: labels,
  podLabels: labels,
  terminationGracePeriodSeconds: z.int().min(0).max(600),
  serviceAccount: z.strictObject({ annotations: labels }),
};

const monitor = z.strictObject({ enabled: z.boolean(), interval: duration, labels });

export const valuesSchema = z.strictObject({
  nameOverride: z.string().max(50),
  fullnameOverride: z.string().max(50),
  commonLabels: labels,
  imagePullSecrets: z.array(z.strictObject({ name: z.string().min(1) })),
  crds: z.strictObject({ enabled: z.boolean(), keep: z.boolean() }),
  installation: z.string().regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/),
  watchNamespaces: z.array(namespace).max(100),
  probe: z.strictObject({ refusedAddresses: addresses, allowedAddresses: addresses }),
  azure: z.strictObject({
    cloud: z.enum(['AzurePublic', 'AzureUSGovernment', 'AzureChina']),
    subscriptionId: z.string(),
    resourceGroup: z.string(),
    location: z.string(),
    credential: z.enum([
      'WorkloadIdentity',
      'ManagedIdentity',
      'AzureCli',
      'Environment',
      'Default',
    ]),
    clientId: z.string(),
    tenantId: z.string(),
  }),
  controller: z.strictObject({
    ...podOptions,
    replicas: z.int().min(0).max(10),
    config: z.partialRecord(z.enum(controllerSettings), z.unknown()),
    extraVolumes: openList,
    extraVolumeMounts: openList,
    topologySpreadConstraints: openList,
    podDisruptionBudget: z.strictObject({ enabled: z.boolean() }),
  }),
  agent: z.strictObject({
    ...podOptions,
    enabled: z.boolean(),
    namespace: namespace.or(z.literal('')),
    root: z.string().regex(/^\/[^\s]+$/),
    updateStrategy: open,
    admissionPolicy: z.strictObject({ enabled: z.boolean() }),
  }),
  credentials: z.strictObject({
    enabled: z.boolean(),
    tls: z.strictObject({
      existingSecret: z.string(),
      certManager: z.strictObject({ enabled: z.boolean(), issuerRef: labels }),
    }),
  }),
  rbac: z.strictObject({
    create: z.boolean(),
    secretNamespaces: z.array(namespace),
    aggregate: z.boolean(),
  }),
  networkPolicy: z.strictObject({
    enabled: z.boolean(),
    metricsFrom: openList,
    egress: openList,
  }),
  metrics: z.strictObject({
    serviceMonitor: monitor,
    podMonitor: monitor,
    prometheusRule: z.strictObject({ enabled: z.boolean(), labels, runbookUrl: z.string() }),
    dashboard: z.strictObject({ enabled: z.boolean(), labels, annotations: labels }),
  }),
});

/** JSON schema as helm reads it. Nothing is required: what is left out has its default. */
export function valuesJsonSchema(): object {
  const schema = z.toJSONSchema(valuesSchema, { target: 'draft-7', io: 'input' });
  const { $schema, ...rest } = withoutRequired(schema) as Record<string, unknown>;
  // Charts of charts hand down `global`.
  const properties = { ...(rest['properties'] as object), global: { type: 'object' } };
  return { $schema, title: 'Values of the chart poolkeeper', ...rest, properties };
}

function withoutRequired(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutRequired);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, inner]) => !(key === 'required' && Array.isArray(inner)))
      .map(([key, inner]) => [key, withoutRequired(inner)]),
  );
}
