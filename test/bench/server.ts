// The other side of a bench, in a process of its own: the embedded Kubernetes API and the simulated
// Azure. Prints one line of JSON with their addresses, and runs until it is told to end.
//
//   node test/bench/server.ts '{"speed": 1000}'
import { customResourceDefinitions } from '../../src/api/crd/index.ts';
import { startSimulatedAzure } from '../../src/local/azure/index.ts';
import { startEmbeddedKubernetes } from '../../src/local/kubernetes/index.ts';
import { createRuntime } from '../../src/runtime/index.ts';
import { goldenSnapshotId } from '../builders/pools.ts';
import type { ServerOptions } from './stage.ts';

const { speed, budgets } = JSON.parse(process.argv[2] ?? '{}') as ServerOptions;
const runtime = createRuntime();
const kubernetes = await startEmbeddedKubernetes({
  runtime,
  port: 0,
  tls: true,
  crds: customResourceDefinitions(),
});
const azure = await startSimulatedAzure({
  runtime,
  port: 0,
  speed,
  throttling: { scale: budgets ?? speed },
  quota: { cores: 1_000_000 },
  snapshots: [{ id: goldenSnapshotId, sizeGigabytes: 32, content: 'golden-v1' }],
});
console.log(JSON.stringify({ kubeconfig: kubernetes.kubeconfig, azureUrl: azure.url }));
process.on('SIGTERM', () => process.exit(0));
