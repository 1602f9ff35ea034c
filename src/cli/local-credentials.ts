// How the agents of the local environment get credentials: from the same endpoint as on a cluster, in the
// clear because it is on loopback.
import { type CredentialsSource, noCredentials } from '../agent/credentials.ts';
import { createCredentialsClient } from '../agent/credentials-client.ts';
import type { Runtime } from '../runtime/index.ts';
import { serveCredentials } from './credentials-server.ts';
import type { RunningServer } from './http-server.ts';
import type { Operator } from './operator.ts';

/** `url` is undefined where no operator runs; agents start before it is known. */
export function localCredentials(
  { clock }: Runtime,
  url: Promise<string | undefined>,
  token: () => string,
): CredentialsSource {
  return {
    async fetch(subject, signal) {
      const address = await url;
      if (address === undefined) return noCredentials.fetch(subject, signal);
      const client = createCredentialsClient({ url: address, token: async () => token(), clock });
      return client.fetch(subject, signal);
    },
  };
}

export function serveLocalCredentials(
  { clock, log }: Runtime,
  { handOut }: Operator,
): Promise<RunningServer> {
  return serveCredentials({ address: '127.0.0.1:0', handOut, clock, log });
}
