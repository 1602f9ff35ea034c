// How fast claims are bound on the embedded environment: a burst on a warm pool, everything in one process.
//
//   node test/bench/claims.ts [claims=300]
//
// Prints claims per second from the first creation to the last binding, the binding latencies that the
// operator reports, and the number of writes that the API server saw per claim. Budget on one core: 300/s.

import { namespaces } from '../../src/api/built-in.ts';
import type { InstanceClaim } from '../../src/api/instance-claim.ts';
import { instanceClaims, instancePools } from '../../src/api/resources.ts';
import { startLocalEnvironment } from '../../src/cli/local-environment.ts';
import type { KubeClient } from '../../src/kube/index.ts';
import { sleep } from '../../src/runtime/clock.ts';
import { createRuntime } from '../../src/runtime/index.ts';

const count = Number(process.argv[2] ?? 300);
const runtime = createRuntime();
const { clock } = runtime;
const namespace = 'bench';

const environment = await startLocalEnvironment({
  runtime,
  port: 0,
  azurePort: 0,
  azureSpeed: 1000,
  withController: true,
  withAgents: false,
});
const { client } = environment;
await client.create(namespaces, {
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: namespace },
});
await client.create(instancePools, {
  apiVersion: 'poolkeeper.dev/v1alpha1',
  kind: 'InstancePool',
  metadata: { name: 'pool', namespace },
  spec: {
    scaling: { minFree: count, maxFree: count, maxTotal: count * 2 },
    template: {
      vmSizes: ['Standard_D2s_v5'],
      image: {
        type: 'Resource',
        resource: { id: '/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/images/i' },
      },
      subnetId:
        '/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/s',
      sshPublicKeys: [
        'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ7QCUVrGXu1nHqHnEXsJPdXcyrDAWiIWJZ5D3GvD9kN bench',
      ],
    },
  },
});

let startedAt = clock.monotonic();
await until(async () => {
  const pool = await client.get(instancePools, { namespace, name: 'pool' });
  return (pool?.status?.free ?? 0) >= count;
});
console.log(`filled ${count} machines in ${seconds(startedAt)} s`);
// Pausing keeps the refill from competing with the claims for this one core.
await client.mergePatch(instancePools, { namespace, name: 'pool' }, { spec: { paused: true } });

const cpuBefore = process.cpuUsage();
startedAt = clock.monotonic();
await createClaims(client);
console.log(`created ${count} claims in ${seconds(startedAt)} s`);
let claims: InstanceClaim[] = [];
await until(async () => {
  claims = await client.list(instanceClaims, { namespace });
  return claims.every(({ status }) => status?.boundAt !== undefined);
});
const elapsed = (clock.monotonic() - startedAt) / 1000;
const cpu = process.cpuUsage(cpuBefore);
const latencies = claims
  .map(({ status }) => status?.bindLatencyMilliseconds ?? 0)
  .sort((a, b) => a - b);
const instances = new Set(claims.map(({ status }) => status?.instance?.uid));
console.log(
  `bound ${count} claims in ${elapsed.toFixed(2)} s: ${(count / elapsed).toFixed(0)} claims/s`,
);
console.log(`latency ms: p50 ${at(0.5)}, p99 ${at(0.99)}; distinct instances ${instances.size}`);
console.log(
  `processor time of everything: ${((cpu.user + cpu.system) / 1000 / count).toFixed(2)} ms per claim`,
);
await environment.stop();
process.exit(instances.size === count ? 0 : 1);

async function createClaims(client: KubeClient): Promise<void> {
  const names = Array.from({ length: count }, (_, index) => `claim-${index}`);
  await Promise.all(
    names.map((name) =>
      client.create(instanceClaims, {
        apiVersion: 'poolkeeper.dev/v1alpha1',
        kind: 'InstanceClaim',
        metadata: { name, namespace },
        spec: { instancePoolRef: { name: 'pool' } },
      }),
    ),
  );
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = clock.monotonic() + 120_000;
  while (!(await condition())) {
    if (clock.monotonic() > deadline) throw new Error('gave up after two minutes');
    await sleep(clock, 25);
  }
}

function seconds(since: number): string {
  return ((clock.monotonic() - since) / 1000).toFixed(2);
}

function at(quantile: number): number {
  return latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * quantile))] ?? 0;
}
