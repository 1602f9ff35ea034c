// Who the controller is to Azure. The identity library is loaded only when it is needed.
import type { TokenCredential } from '@azure/core-auth';
import { unreachable } from '../runtime/assert.ts';
import { type AzureEnvironment, azureEnvironments } from './environments.ts';

export const credentialKinds = [
  'Default',
  'WorkloadIdentity',
  'ManagedIdentity',
  'AzureCli',
  'Environment',
  'Simulated',
] as const;
export type CredentialKind = (typeof credentialKinds)[number];

export interface CredentialOptions {
  readonly kind: CredentialKind;
  readonly environment?: AzureEnvironment;
  /** A user-assigned identity's or application's client id; else what the environment says. */
  readonly clientId?: string;
  readonly tenantId?: string;
}

/** `Default` tries environment variables, workload identity, managed identity and the Azure CLI. */
export async function createCredential(options: CredentialOptions): Promise<TokenCredential> {
  if (options.kind === 'Simulated') return simulatedCredential;
  const identity = await import('@azure/identity');
  const { authorityHost } = options.environment ?? azureEnvironments.AzurePublic;
  const { clientId, tenantId, kind } = options;
  const common = { authorityHost, ...(tenantId && { tenantId }) };
  switch (kind) {
    case 'Default':
      return new identity.DefaultAzureCredential({
        ...common,
        ...(clientId && { managedIdentityClientId: clientId, workloadIdentityClientId: clientId }),
      });
    case 'WorkloadIdentity':
      return new identity.WorkloadIdentityCredential({ ...common, ...(clientId && { clientId }) });
    case 'ManagedIdentity':
      return new identity.ManagedIdentityCredential({
        authorityHost,
        ...(clientId && { clientId }),
      });
    case 'AzureCli':
      return new identity.AzureCliCredential(tenantId ? { tenantId } : {});
    case 'Environment':
      return new identity.EnvironmentCredential(common);
    default:
      return unreachable(kind);
  }
}

/** The simulator takes any token; this one is no secret and opens nothing. */
export const simulatedCredential: TokenCredential = {
  getToken: async () => ({ token: 'simulated', expiresOnTimestamp: Number.MAX_SAFE_INTEGER }),
};
