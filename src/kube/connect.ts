// From settings to a working connection, in one step.
import type { Runtime } from '../runtime/index.ts';
import { type Caches, createCaches } from './caches.ts';
import { createKubeClient, type KubeClient } from './client.ts';
import type { ClusterAccess } from './cluster-access.ts';
import { type Connection, createConnection } from './connection.ts';
import { createHttpTransport } from './http-transport.ts';
import type { Transport } from './transport.ts';

export interface Kubernetes {
  readonly connection: Connection;
  /** Its writes show in `caches` at once. */
  readonly client: KubeClient;
  /** The same on connections of its own, for what somebody waits for. */
  readonly urgentClient: KubeClient;
  readonly caches: Caches;
  close(): Promise<void>;
}

export interface ConnectOptions {
  readonly runtime: Runtime;
  /** Where the cluster is (see kubeconfig.ts), or a transport to one in this process. */
  readonly to: ClusterAccess | Transport;
  /** `controller` or `agent`: shown in the API server's audit log. */
  readonly component: string;
  readonly version?: string;
}

export function connectKubernetes(options: ConnectOptions): Kubernetes {
  const { runtime, to, component, version = '0' } = options;
  const transport = 'credential' in to ? createHttpTransport(to) : to;
  const userAgent = `poolkeeper/${version} (${component})`;
  const connection = createConnection({ transport, runtime, userAgent });
  const caches = createCaches({ connection, runtime });
  const fieldManager = `poolkeeper-${component}`;
  const made = { connection, fieldManager, observer: caches.observer };
  return {
    connection,
    client: createKubeClient(made),
    urgentClient: createKubeClient({ ...made, lane: 'urgent' }),
    caches,
    close: () => connection.close(),
  };
}
