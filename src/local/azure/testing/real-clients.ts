// The real Azure client libraries, pointed at the simulator: the only difference is where the
// bytes go. For tests.
import { ComputeManagementClient } from '@azure/arm-compute';
import { ResourceGraphClient } from '@azure/arm-resourcegraph';
import {
  createDefaultHttpClient,
  type HttpClient,
  type PipelineRequest,
} from '@azure/core-rest-pipeline';
import { defaultSubscriptionId } from '../settings.ts';

const credential = {
  getToken: async () => ({ token: 'simulated', expiresOnTimestamp: Number.MAX_SAFE_INTEGER }),
};

export function rewritingClient(url: string): HttpClient {
  const inner = createDefaultHttpClient();
  return {
    async sendRequest(request: PipelineRequest) {
      // The policies above keep using this object (retries insist on https): put it back after.
      const original = request.url;
      request.url = original.replace('https://management.azure.com', url);
      request.allowInsecureConnection = true;
      try {
        return await inner.sendRequest(request);
      } finally {
        request.url = original;
      }
    },
  };
}

export function computeClient(url: string): ComputeManagementClient {
  return new ComputeManagementClient(credential, defaultSubscriptionId, {
    httpClient: rewritingClient(url),
    retryOptions: { maxRetries: 0 },
  });
}

export function graphClient(url: string): ResourceGraphClient {
  return new ResourceGraphClient(credential, {
    httpClient: rewritingClient(url),
    retryOptions: { maxRetries: 0 },
  });
}
