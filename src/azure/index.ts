// The ARM adapter behind the cloud port.
import type { TokenCredential } from '@azure/core-auth';
import type { HttpClient } from '@azure/core-rest-pipeline';
import type { Runtime } from '../runtime/index.ts';
import { ArmClient } from './client.ts';
import { simulatedCredential } from './credentials.ts';
import { type AzureEnvironment, azureEnvironments } from './environments.ts';
import { newestImage } from './images.ts';
import { Instances } from './instances.ts';
import { networkInterfaces } from './network-interfaces.ts';
import { pollOperation } from './operations.ts';
import type { AzureCloud, CallContext, CloudTypes, ResourceId, ResourceKind } from './port.ts';
import { redirectingHttpClient } from './redirect.ts';
import type { ResourceAdapter } from './resource-adapter.ts';
import { discoverResources } from './resource-graph.ts';
import { snapshots } from './snapshots.ts';
import { volumes } from './volumes.ts';

export { type CredentialKind, createCredential, credentialKinds } from './credentials.ts';
export { type AzureCloudName, type AzureEnvironment, azureEnvironments } from './environments.ts';
export { type AzureFailure, classify, type Verdict } from './error-catalogue.ts';
export { CloudError, type CloudErrorClass } from './errors.ts';
export * from './port.ts';

export interface AzureCloudOptions {
  readonly runtime: Runtime;
  readonly credential: TokenCredential;
  /** AzurePublic when absent. */
  readonly environment?: AzureEnvironment;
  /**
   * Another address for the resource manager. `http://…` is a simulator: requests go there with a
   * token that opens nothing, whatever the credential.
   */
  readonly endpoint?: string;
  /** Put before the SDK's own words in the User-Agent. */
  readonly userAgent?: string;
  readonly callTimeoutMilliseconds?: number;
  /** What carries the bytes; Node's own client when absent. */
  readonly httpClient?: HttpClient;
}

export function createAzureCloud(options: AzureCloudOptions): AzureCloud {
  const client = new ArmClient(resolveTransport(options));
  const instances = new Instances(client);
  const adapters: { readonly [K in ResourceKind]: ResourceAdapter<K> } = {
    instance: instances,
    volume: volumes(client),
    snapshot: snapshots(client),
    networkInterface: networkInterfaces(client),
  };
  return {
    get: (async (kind: keyof CloudTypes, id: ResourceId, context: CallContext) =>
      kind === 'image'
        ? newestImage(client, id, context)
        : adapters[kind].get(id, context)) as AzureCloud['get'],
    create: (kind, intent, context) => adapters[kind].create(intent, context),
    delete: (kind, id, context) => adapters[kind].delete(id, context),
    tag: (kind, id, tags, context) => adapters[kind].tag(id, tags, context),
    changeDataDisks: (seen, change, context) => instances.changeDataDisks(seen, change, context),
    power: (id, action, context) => instances.power(id, action, context),
    runCommand: (id, script, context) => instances.runCommand(id, script, context),
    poll: (operation, context) => pollOperation(client, operation, context),
    discover: (query, context) => discoverResources(client, query, context),
  };
}

function resolveTransport(options: AzureCloudOptions) {
  const { endpoint, environment = azureEnvironments.AzurePublic, ...rest } = options;
  if (endpoint?.startsWith('http://'))
    return {
      ...rest,
      environment,
      credential: simulatedCredential,
      httpClient: redirectingHttpClient(environment.endpoint, endpoint, options.httpClient),
    };
  if (!endpoint) return { ...rest, environment };
  return { ...rest, environment: { ...environment, endpoint: endpoint.replace(/\/+$/, '') } };
}
