// poolkeeper agent: makes the storage of one node real. Runs once per node, privileged.
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import * as z from 'zod';
import { createCredentialsClient } from '../agent/credentials-client.ts';
import { startAgent } from '../agent/index.ts';
import { createLinuxHost } from '../agent/linux-host.ts';
import { createNetworkProber } from '../backends/index.ts';
import { findCluster } from '../kube/kubeconfig.ts';
import { createRuntime } from '../runtime/index.ts';
import { createLog } from '../runtime/log.ts';
import { createMetrics } from '../runtime/metrics.ts';
import { addresses, apiServerAddresses } from './address-setting.ts';
import { defineCommand } from './command.ts';
import { serveEndpoints, watchHandlers } from './http-endpoints.ts';
import { flag } from './settings.ts';
import { stopSignal } from './signals.ts';
import { version } from './version.ts';

export const command = defineCommand({
  summary: 'Makes the storage of this node real and reports its disks. One per node.',
  settings: z.object({
    kubeconfig: z
      .string()
      .optional()
      .describe('A kubeconfig file; default: in-cluster, then $KUBECONFIG, then ~/.kube/config'),
    context: z
      .string()
      .optional()
      .describe('A context of the kubeconfig; default: its current one'),
    nodeName: z.string().default(hostname()).describe("The node's name in the cluster"),
    namespace: z
      .string()
      .default('poolkeeper-system')
      .describe("The operator's namespace, where the heartbeat is"),
    root: z
      .string()
      .default('/var/lib/poolkeeper')
      .describe("The host's directory for mounts and the journal"),
    probeRefusedAddresses: addresses()
      .default([])
      .describe('Addresses and networks that this node does not probe for backends'),
    probeLoopback: flag()
      .default(false)
      .describe("Probe backends on the node's own loopback addresses"),
    httpAddress: z
      .string()
      .default('127.0.0.1:8081')
      .describe('host:port of /healthz, /readyz and /metrics; empty: none'),
    credentialsUrl: z
      .string()
      .optional()
      .describe("The controller's https:// address for passwords and keys; default: none is asked"),
    credentialsCa: z
      .string()
      .optional()
      .describe("File with the certificates that sign that endpoint's, PEM; default: Node's own"),
    credentialsToken: z
      .string()
      .default('/var/run/secrets/poolkeeper/token')
      .describe("File with the agent's token for that endpoint"),
    logLevel: z
      .enum(['debug', 'info', 'warn', 'error', 'silent'])
      .default('info')
      .describe('Least severe level that is logged'),
  }),
  run: async ({ kubeconfig, context, nodeName, namespace, root, logLevel, ...given }) => {
    const runtime = createRuntime({
      log: createLog(logLevel),
      metrics: createMetrics({ processMetrics: true }),
    });
    const to = findCluster({ runtime, path: kubeconfig, context });
    const host = createLinuxHost({ nodeName, clock: runtime.clock });
    const credentials = given.credentialsUrl
      ? createCredentialsClient({
          url: given.credentialsUrl,
          token: () => readFile(given.credentialsToken, 'utf8'),
          authority: given.credentialsCa
            ? () => readFile(given.credentialsCa ?? '', 'utf8')
            : undefined,
          clock: runtime.clock,
        })
      : undefined;
    const network = createNetworkProber({
      ...runtime,
      probeLoopback: given.probeLoopback,
      refusedAddresses: given.probeRefusedAddresses,
      apiServerAddresses: apiServerAddresses(to.server),
    });
    const agent = startAgent({
      runtime,
      to,
      host,
      network,
      nodeName,
      namespace,
      root,
      version,
      ...(credentials && { credentials }),
    });
    const endpoints = given.httpAddress
      ? await serveEndpoints(given.httpAddress, {
          ...watchHandlers(agent.health),
          metrics: runtime.metrics.expose,
        })
      : undefined;
    runtime.log.info('started', { version, server: to.server, nodeName, http: endpoints?.url });
    const why = await stopSignal();
    runtime.log.info('stopping', { why });
    await agent.stop();
    await endpoints?.close();
    return 0;
  },
});
