// poolkeeper controller: the operator as a process of its own.
import { hostname } from 'node:os';
import * as z from 'zod';
import { azureEnvironments, createAzureCloud, createCredential } from '../azure/index.ts';
import { createHistoryRecorder } from '../history/recorder.ts';
import { findCluster } from '../kube/kubeconfig.ts';
import { createRuntime } from '../runtime/index.ts';
import { createLog } from '../runtime/log.ts';
import { createMetrics } from '../runtime/metrics.ts';
import { randomUuid } from '../runtime/random.ts';
import { addresses } from './address-setting.ts';
import { defineCommand } from './command.ts';
import { serveCredentials } from './credentials-server.ts';
import { serveDebug } from './debug-pools.ts';
import {
  credentialSetting,
  historySettings,
  installationSetting,
  openHistory,
} from './history-settings.ts';
import { endpointHandlers, serveEndpoints } from './http-endpoints.ts';
import { namespaceSettings } from './namespace-settings.ts';
import { AGENT_SERVICE_ACCOUNT, CREDENTIALS_AUDIENCE, startOperator } from './operator.ts';
import { flag, wholeNumber } from './settings.ts';
import { stopSignal } from './signals.ts';
import { followTenancy, tenancySetting } from './tenancy-settings.ts';
import { version } from './version.ts';

const settings = z.object({
  kubeconfig: z
    .string()
    .optional()
    .describe('A kubeconfig file; default: in-cluster, then $KUBECONFIG, then ~/.kube/config'),
  context: z.string().optional().describe('A context of the kubeconfig; default: its current one'),
  namespace: z
    .string()
    .optional()
    .describe("The operator's own namespace; default: the pod's, or poolkeeper-system"),
  ...namespaceSettings,
  installation: installationSetting.describe(
    'Name of this installation: tags its Azure resources, which no other installation touches',
  ),
  azureSubscriptionId: z.string().optional().describe('Subscription of pools that name none'),
  azureResourceGroup: z.string().optional().describe('Resource group of pools that name none'),
  azureLocation: z.string().optional().describe('Region of pools that name none'),
  tenancy: tenancySetting
    .default({})
    .describe(
      'What of Azure the pools of each namespace may name, see docs/tenancy.md; read again while running; default: what the installation itself uses',
    ),
  azureCloud: z
    .enum(['AzurePublic', 'AzureUSGovernment', 'AzureChina'])
    .default('AzurePublic')
    .describe('Which of the Azure clouds'),
  azureEndpoint: z
    .url()
    .optional()
    .describe('Another address of the resource manager; http:// is a simulator'),
  azureCredential: credentialSetting,
  azureSpeed: wholeNumber(1, 10_000)
    .default(1)
    .describe('How many times faster than real Azure the endpoint runs; 1 but for a simulator'),
  probeLoopback: flag()
    .optional()
    .describe(
      "Let HTTP backends be on the operator's own machine; default: only outside a cluster",
    ),
  probeRefusedAddresses: addresses()
    .default([])
    .describe('Addresses and networks that http and s3 backends may not be on, such as 10.0.0.0/8'),
  probeAllowedAddresses: addresses()
    .default([])
    .describe(
      "Those that they may be on although they lie inside the cluster or are refused; the Services' network is not known to the operator, name what it has of storage here",
    ),
  leaderElect: flag().default(true).describe('Work only while holding the lease'),
  httpAddress: z
    .string()
    .default('0.0.0.0:8080')
    .describe('host:port of /healthz, /readyz and /metrics'),
  debugAddress: z
    .string()
    .default('127.0.0.1:8082')
    .describe('host:port of /debug/pools, which shows configuration; empty: none'),
  credentialsAddress: z
    .string()
    .default('')
    .describe('host:port of /credentials, where agents ask for passwords and keys; empty: none'),
  credentialsTlsCertificate: z
    .string()
    .optional()
    .describe('File with the certificate of that endpoint, PEM; without one: only on loopback'),
  credentialsTlsKey: z.string().optional().describe("File with the certificate's key, PEM"),
  credentialsAudience: z
    .string()
    .min(1)
    .default(CREDENTIALS_AUDIENCE)
    .describe('Audience of the tokens that agents show there'),
  agentServiceAccount: z
    .string()
    .min(1)
    .default(AGENT_SERVICE_ACCOUNT)
    .describe("Name of the agents' service account, in their namespace"),
  ...historySettings,
  logLevel: z
    .enum(['debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe('Least severe level that is logged'),
});

const DEFAULT_NAMESPACE = 'poolkeeper-system';

export const command = defineCommand({
  summary: 'Reconciles pools, claims and storage against a Kubernetes cluster and Azure.',
  settings,
  run: async (given, readAgain) => {
    const runtime = createRuntime({
      log: createLog(given.logLevel),
      metrics: createMetrics({ processMetrics: true }),
    });
    const access = findCluster({ runtime, path: given.kubeconfig, context: given.context });
    const defaults = {
      subscriptionId: given.azureSubscriptionId,
      resourceGroup: given.azureResourceGroup,
      location: given.azureLocation,
    };
    const tenancy = followTenancy(runtime, defaults, () => readAgain().tenancy);
    const lost = Promise.withResolvers<'lost'>();
    const store = await openHistory(given);
    const history = store && createHistoryRecorder({ runtime, store });
    const operator = startOperator({
      runtime,
      access,
      cloud: await connectAzure(given, runtime),
      namespace:
        given.namespace ??
        (process.env['KUBERNETES_SERVICE_HOST'] ? access.namespace : DEFAULT_NAMESPACE),
      ...(given.agentNamespace && { agentNamespace: given.agentNamespace }),
      watchNamespaces: given.watchNamespaces,
      leaseName: given.leaseName,
      installation: given.installation,
      defaults,
      tenancy,
      pollPace: given.azureSpeed,
      identity: `${hostname()}_${randomUuid(runtime.random).slice(0, 8)}`,
      leaderElect: given.leaderElect,
      refusedAddresses: given.probeRefusedAddresses,
      allowedAddresses: given.probeAllowedAddresses,
      probeLoopback: given.probeLoopback ?? !process.env['KUBERNETES_SERVICE_HOST'],
      credentials: {
        audience: given.credentialsAudience,
        agentServiceAccount: given.agentServiceAccount,
      },
      ...(history && { history }),
      onLost: () => lost.resolve('lost'),
    });
    const endpoints = await serveEndpoints(
      given.httpAddress,
      endpointHandlers(operator, runtime.metrics.expose),
    );
    const debug = given.debugAddress
      ? await serveDebug({ address: given.debugAddress, report: operator.report })
      : undefined;
    const credentials = given.credentialsAddress
      ? await serveCredentials({
          address: given.credentialsAddress,
          certificateFile: given.credentialsTlsCertificate,
          keyFile: given.credentialsTlsKey,
          handOut: operator.handOut,
          clock: runtime.clock,
          log: runtime.log,
        })
      : undefined;
    runtime.log.info('started', {
      version,
      server: access.server,
      http: endpoints.url,
      debug: debug?.url,
      credentials: credentials?.url,
    });
    const why = await Promise.race([stopSignal(), lost.promise]);
    runtime.log.info('stopping', { why });
    // Without the lease nothing may be written any more, not even in an orderly way.
    if (why === 'lost') return 1;
    tenancy.stop();
    await operator.stop();
    await history?.close();
    await Promise.all([endpoints.close(), debug?.close(), credentials?.close()]);
    return 0;
  },
});

async function connectAzure(
  given: z.output<typeof settings>,
  runtime: ReturnType<typeof createRuntime>,
) {
  const environment = azureEnvironments[given.azureCloud];
  const simulated = given.azureEndpoint?.startsWith('http://') ?? false;
  const credential = await createCredential({
    kind: simulated ? 'Simulated' : given.azureCredential,
    environment,
  });
  return createAzureCloud({
    runtime,
    credential,
    environment,
    userAgent: `poolkeeper/${version}`,
    ...(given.azureEndpoint === undefined ? {} : { endpoint: given.azureEndpoint }),
  });
}
