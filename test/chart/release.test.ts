// The life of a release on the embedded API: a real helm installs, upgrades, rolls back and
// uninstalls, and nobody's pools go with it.
import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { startEmbeddedKubernetes } from '../../src/local/kubernetes/index.ts';
import { createRuntime } from '../../src/runtime/index.ts';
import { chart, helm, type Rendered } from './helm.ts';
import { type HelmName, helmNames, notInstalled } from './helm-binaries.ts';

type Kubernetes = Awaited<ReturnType<typeof startEmbeddedKubernetes>>;
const NAMESPACE = 'poolkeeper-system';
const SNAPSHOT =
  '/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/snapshots/golden-v1';
const POOLS = '/apis/poolkeeper.dev/v1alpha1/namespaces/default/volumepools';
const DEPLOYMENT = `/apis/apps/v1/namespaces/${NAMESPACE}/deployments/poolkeeper-controller`;

for (const name of helmNames) {
  describe(`a release with ${name}`, { skip: notInstalled }, () => {
    let kubernetes: Kubernetes;
    let run: (...args: string[]) => Promise<string>;
    before(async () => {
      kubernetes = await startEmbeddedKubernetes({ runtime: createRuntime() });
      run = await runner(name, kubernetes);
    });
    after(() => kubernetes.close());

    it('is installed into a namespace of its own', async () => {
      const said = await run('install', 'poolkeeper', chart, '--create-namespace');
      assert.match(said, /StoragePool may format disks/);
      assert.equal((await get(kubernetes, DEPLOYMENT))?.['spec'].replicas, 2);
      assert.match(await run('list'), /poolkeeper\s+poolkeeper-system\s+1\s+.*deployed/);
    });

    it('is upgraded with other values, and again without a change', async () => {
      await run('upgrade', 'poolkeeper', chart, '--set', 'controller.replicas=3');
      const upgraded = await get(kubernetes, DEPLOYMENT);
      assert.equal(upgraded?.['spec'].replicas, 3);
      await run('upgrade', 'poolkeeper', chart, '--reuse-values');
      const again = await get(kubernetes, DEPLOYMENT);
      assert.equal(again?.metadata['generation'], upgraded?.metadata['generation']);
    });

    it('is asked how it is by a pod of its own', async () => {
      const asked = playKubelet(kubernetes);
      assert.match(await run('test', 'poolkeeper'), /Phase:\s+Succeeded/);
      assert.deepEqual(await asked, [
        'check',
        `--url=http://poolkeeper-controller.${NAMESPACE}:8080/readyz`,
      ]);
    });

    it('is rolled back', async () => {
      await run('rollback', 'poolkeeper', '1');
      assert.equal((await get(kubernetes, DEPLOYMENT))?.['spec'].replicas, 2);
    });

    it('goes, and leaves the pools, their definitions and their finalizers', async () => {
      const pool = await write(kubernetes, 'POST', POOLS, aPool());
      await run('uninstall', 'poolkeeper');
      assert.equal(await get(kubernetes, DEPLOYMENT), undefined);
      const kept = await get(kubernetes, `${POOLS}/disks`);
      assert.equal(kept?.metadata['uid'], pool.metadata['uid']);
      assert.equal(kept?.metadata['deletionTimestamp'], undefined);
    });

    it('comes back over what it left', async () => {
      await run('install', 'poolkeeper', chart);
      assert.ok(await get(kubernetes, `${POOLS}/disks`));
      assert.equal((await get(kubernetes, DEPLOYMENT))?.['spec'].replicas, 2);
    });
  });
}

/** Lets the first pod that appears succeed; resolves with what it was started with. */
function playKubelet(kubernetes: Kubernetes): Promise<string[]> {
  return new Promise((resolve) => {
    const stop = kubernetes.server.store.onCommit((shelf, { type, object }) => {
      if (shelf !== 'pods' || type !== 'ADDED') return;
      stop();
      const pod = object as unknown as Rendered;
      const path = `/api/v1/namespaces/${NAMESPACE}/pods/${pod.metadata.name}/status`;
      setImmediate(() => {
        void write(kubernetes, 'PATCH', path, { status: { phase: 'Succeeded' } });
        resolve(pod['spec'].containers[0].args);
      });
    });
  });
}

async function runner(name: HelmName, kubernetes: Kubernetes) {
  const kubeconfig = join(mkdtempSync(join(tmpdir(), 'poolkeeper-release-')), 'kubeconfig');
  writeFileSync(kubeconfig, kubernetes.kubeconfig);
  return async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await helm(name, [...args, '-n', NAMESPACE], kubeconfig);
    assert.equal(code, 0, `helm ${args.join(' ')}: ${stderr}`);
    return stdout;
  };
}

type Live = Rendered & { readonly metadata: Readonly<Record<string, unknown>> };

async function get(kubernetes: Kubernetes, path: string): Promise<Live | undefined> {
  const headers = authorized(kubernetes);
  const answer = await kubernetes.server.handle({ method: 'GET', path, headers });
  return answer.status === 200 ? JSON.parse(String(answer.body)) : undefined;
}

async function write(k: Kubernetes, method: string, path: string, body: object): Promise<Live> {
  const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
  const headers = { ...authorized(k), 'content-type': type };
  const answer = await k.server.handle({ method, path, headers, body: JSON.stringify(body) });
  assert.ok(answer.status < 300, String(answer.body));
  return JSON.parse(String(answer.body));
}

const authorized = (kubernetes: Kubernetes): Record<string, string> => ({
  authorization: `Bearer ${kubernetes.token({ username: 'root', groups: ['system:masters'] })}`,
});

const aPool = (): object => ({
  apiVersion: 'poolkeeper.dev/v1alpha1',
  kind: 'VolumePool',
  metadata: { name: 'disks', finalizers: ['poolkeeper.dev/children'] },
  spec: {
    scaling: { minFree: 1, maxFree: 2, maxTotal: 5 },
    volume: { sizeGiB: 32, sku: 'Premium_LRS' },
    goldenSnapshot: { type: 'Existing', existing: { id: SNAPSHOT } },
    reclaimPolicy: 'Retain',
  },
});
