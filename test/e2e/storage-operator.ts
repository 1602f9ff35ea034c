// The operator's controllers of storage beside a world's agent, with every write that they make on record.

import type { AzureCloud } from '../../src/azure/port.ts';
import type { HttpProbeRequest } from '../../src/backends/index.ts';
import type { ControllerContext } from '../../src/controllers/context.ts';
import type { Discovery } from '../../src/controllers/discovery/memory.ts';
import {
  type BackendProber,
  PROBE_WORKERS,
  reconcileStorageBackend,
  watchStorageBackends,
} from '../../src/controllers/storage-backend/index.ts';
import {
  reconcileStorageNode,
  watchStorageNodes,
} from '../../src/controllers/storage-node/index.ts';
import {
  reconcileStoragePool,
  trackAgents,
  watchStoragePools,
} from '../../src/controllers/storage-pool/index.ts';
import { createSources, viewsOf } from '../../src/controllers/stores.ts';
import { fixedTenancy } from '../../src/controllers/tenancy.ts';
import {
  connectKubernetes,
  createEventRecorder,
  runController,
  type Transport,
} from '../../src/kube/index.ts';
import type { Probed } from '../../src/plan/probe-observation.ts';
import { transportTo, type World } from './agent-world.ts';

export const answered: Probed = {
  type: 'probed',
  endpoint: 'http://files.example/',
  passed: [],
  totalMilliseconds: 12,
  outcome: { type: 'answered', method: 'HEAD', isRange: false, statusCode: 200 },
};

export class StorageOperator {
  readonly writes: string[] = [];
  readonly probes: HttpProbeRequest[] = [];
  observation: Probed = answered;
  readonly #stops: (() => unknown)[] = [];

  async start({ runtime, server }: World): Promise<void> {
    const to = recording(transportTo(server, 'controller'), this.writes);
    const kubernetes = connectKubernetes({ runtime, to, component: 'controller' });
    const { client, caches } = kubernetes;
    const sources = createSources(caches);
    const context: ControllerContext = {
      runtime,
      client,
      stores: viewsOf(sources),
      cloud: undefined as unknown as AzureCloud,
      discovery: undefined as unknown as Discovery,
      events: createEventRecorder({
        runtime,
        client,
        reportingController: 'poolkeeper.dev/controller',
        reportingInstance: 'test',
      }),
      namespace: 'poolkeeper-system',
      installation: 'test',
      defaults: { subscriptionId: 's', resourceGroup: 'r', location: 'l' },
      tenancy: fixedTenancy({ defaults: {}, namespaces: {} }),
      pollPace: 1,
    };
    const stopping = new AbortController();
    void caches.start(stopping.signal).catch(() => {});
    const startWhen = caches.whenSynced();
    const agents = trackAgents(sources.leases, runtime.clock);
    const pools = runController({
      name: 'storage-pool',
      runtime,
      startWhen,
      reconcile: reconcileStoragePool(context, agents),
    });
    const unwatch = watchStoragePools(sources, agents, pools.queue);
    const prober: BackendProber = {
      http: async (request) => {
        this.probes.push(request);
        return this.observation;
      },
      s3: async () => this.observation,
    };
    const backends = runController({
      name: 'storage-backend',
      runtime,
      startWhen,
      workers: PROBE_WORKERS,
      reconcile: reconcileStorageBackend({ context, prober, agents }),
    });
    const unwatchBackends = watchStorageBackends(sources, agents, backends.queue);
    const inventories = runController({
      name: 'storage-node',
      runtime,
      startWhen,
      reconcile: reconcileStorageNode(context, agents),
    });
    const unwatchInventories = watchStorageNodes(sources, agents, inventories.queue);
    this.#stops.push(
      () => unwatchInventories(),
      () => inventories.stop(),
      () => unwatch(),
      () => unwatchBackends(),
      () => agents.stop(),
      () => pools.stop(),
      () => backends.stop(),
      () => stopping.abort(),
    );
  }

  async stop(): Promise<void> {
    for (const stop of this.#stops.splice(0)) await stop();
  }
}

function recording(transport: Transport, writes: string[]): Transport {
  return {
    ...transport,
    stream: (wire) => transport.stream(wire),
    close: () => transport.close(),
    request(wire) {
      if (wire.method !== 'GET') writes.push(`${wire.method} ${wire.path.split('?')[0]}`);
      return transport.request(wire);
    },
  };
}
