// Azure's clouds: where their resource manager answers, for whom its tokens are, who issues them.

export type AzureCloudName = 'AzurePublic' | 'AzureUSGovernment' | 'AzureChina';

export interface AzureEnvironment {
  /** The resource manager, without a slash at the end. */
  readonly endpoint: string;
  readonly tokenScope: string;
  readonly authorityHost: string;
}

export const azureEnvironments: Readonly<Record<AzureCloudName, AzureEnvironment>> = {
  AzurePublic: {
    endpoint: 'https://management.azure.com',
    tokenScope: 'https://management.azure.com/.default',
    authorityHost: 'https://login.microsoftonline.com',
  },
  AzureUSGovernment: {
    endpoint: 'https://management.usgovcloudapi.net',
    tokenScope: 'https://management.usgovcloudapi.net/.default',
    authorityHost: 'https://login.microsoftonline.us',
  },
  AzureChina: {
    endpoint: 'https://management.chinacloudapi.cn',
    tokenScope: 'https://management.chinacloudapi.cn/.default',
    authorityHost: 'https://login.chinacloudapi.cn',
  },
};

/**
 * Whether a URL belongs to this cloud's resource manager. Operation URLs come back from stored
 * objects: a token must never follow one to another host.
 */
export function isResourceManagerUrl(environment: AzureEnvironment, url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, host } = new URL(url);
  const own = new URL(environment.endpoint).host;
  return protocol === 'https:' && (host === own || host.endsWith(`.${own}`));
}
