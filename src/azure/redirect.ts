// For a simulator on plain http: requests are made for Azure's own address, because the SDK signs
// nothing else, and only their bytes go elsewhere.
import {
  createDefaultHttpClient,
  type HttpClient,
  type PipelineRequest,
} from '@azure/core-rest-pipeline';

export function redirectingHttpClient(
  from: string,
  to: string,
  inner: HttpClient = createDefaultHttpClient(),
): HttpClient {
  const target = to.replace(/\/+$/, '');
  return {
    async sendRequest(request: PipelineRequest) {
      if (!request.url.startsWith(`${from}/`))
        throw new Error(`refusing to send a simulated request to ${new URL(request.url).host}`);
      const { url, agent } = request;
      request.url = target + url.slice(from.length);
      request.allowInsecureConnection = true;
      // A proxy of the environment was chosen for the original address.
      delete request.agent;
      try {
        return await inner.sendRequest(request);
      } finally {
        // The SDK's policies go on reading this object, and insist on https.
        request.url = url;
        if (agent) request.agent = agent;
      }
    },
  };
}
