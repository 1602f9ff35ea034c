// Keeps the backends probed that are this node's task. A former life's trial mounts are undone first.

import type { BackendProbe } from '../../api/backend-probe.ts';
import type { NetworkProber } from '../../backends/index.ts';
import {
  changedBeyondStatus,
  type KubeClient,
  keyOfObject,
  runController,
  type Store,
  watchAndEnqueue,
} from '../../kube/index.ts';
import type { Runtime } from '../../runtime/index.ts';
import { type CredentialsSource, noCredentials } from '../credentials.ts';
import type { HostPort } from '../host-port.ts';
import { hostMounts } from '../mounts.ts';
import type { PreflightResult } from '../preflight.ts';
import { BackendProbesReconciler } from './reconcile.ts';

export interface StartProbesOptions {
  readonly runtime: Runtime;
  readonly client: KubeClient;
  readonly host: HostPort;
  readonly network: NetworkProber;
  readonly records: Store<BackendProbe>;
  readonly credentials: CredentialsSource | undefined;
  readonly preflight: () => PreflightResult;
  /** The agent's own directory on the host. */
  readonly root: string;
}

/** Probes at a time; of one server only so many, that its silence holds up few others. */
const WORKERS = 16;
const PROBES_PER_SERVER = 4;
const UNMOUNT_MILLISECONDS = 10_000;

/** Returns what ends it. */
export function startBackendProbes(options: StartProbesOptions): () => Promise<void> {
  const { runtime, host, records } = options;
  const root = `${options.root}/probes`;
  const reconciler = new BackendProbesReconciler({
    ...options,
    root,
    credentials: options.credentials ?? noCredentials,
  });
  const controller = runController({
    name: 'backend-probe',
    runtime,
    workers: WORKERS,
    fairness: {
      groupOf: (key) => serverOf(records.byKey(key) as BackendProbe | undefined),
      maxPerGroup: PROBES_PER_SERVER,
    },
    startWhen: undoTrials(host, root),
    reconcile: (key, signal) => reconciler.reconcile(key, signal),
  });
  const unsubscribe = watchAndEnqueue(records, controller.queue, (one) => [keyOfObject(one)], {
    updatesWhen: changedBeyondStatus,
  });
  return async () => {
    unsubscribe();
    await controller.stop();
  };
}

/** Lazily, because their servers may be gone. What can't be undone now is met again at its next trial. */
async function undoTrials(host: HostPort, root: string): Promise<void> {
  try {
    for (const { target } of await hostMounts(host)) {
      if (!target.startsWith(`${root}/`)) continue;
      const argv = ['umount', '-l', target];
      await host.run({ argv, timeoutMilliseconds: UNMOUNT_MILLISECONDS });
    }
  } catch {
    // A node whose mounts can't be read has other troubles; they are told where they matter.
  }
}

function serverOf(record: BackendProbe | undefined): string {
  const { spec } = record ?? {};
  switch (spec?.type) {
    case 'nfs':
      return spec.nfs.server;
    case 'iscsi':
      return spec.iscsi.portal;
    case 'cephfs':
      return spec.cephfs.monitors.join();
    case undefined:
      return '';
  }
}
