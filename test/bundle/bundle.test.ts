// The bundle that goes into the images: it starts, works against an API server, says how it is, and
// goes in an orderly way. What only breaks when bundled breaks here.
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { customResourceDefinitions } from '../../src/api/crd/index.ts';
import { startSimulatedAzure } from '../../src/local/azure/index.ts';
import { startEmbeddedKubernetes } from '../../src/local/kubernetes/index.ts';
import { createRuntime } from '../../src/runtime/index.ts';
import { repositoryRoot } from '../structure/source-tree.ts';

interface Ran {
  readonly code: number;
  readonly output: string;
}

const folder = mkdtempSync(join(tmpdir(), 'poolkeeper-bundle-'));
const program = join(folder, 'poolkeeper.mjs');

function run(file: string, ...args: string[]): Promise<Ran> {
  return new Promise((resolve) => {
    const options = { cwd: repositoryRoot, maxBuffer: 16 * 1024 * 1024 };
    execFile(process.execPath, [file, ...args], options, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code ?? 1) : 0, output: stdout + stderr });
    });
  });
}

const SUBSCRIPTION = '00000000-0000-4000-8000-000000000001';

const aPool = {
  apiVersion: 'poolkeeper.dev/v1alpha1',
  kind: 'VolumePool',
  metadata: { name: 'disks', namespace: 'default' },
  spec: {
    scaling: { minFree: 1, maxFree: 2, maxTotal: 5 },
    azure: { subscriptionId: SUBSCRIPTION, resourceGroup: 'pools', location: 'westeurope' },
    volume: { sizeGiB: 32, sku: 'Premium_LRS' },
    goldenSnapshot: {
      type: 'Existing',
      existing: {
        id: `/subscriptions/${SUBSCRIPTION}/resourceGroups/pools/providers/Microsoft.Compute/snapshots/v1`,
      },
    },
  },
};

describe('the bundle', () => {
  before(async () => {
    const { code, output } = await run('scripts/build.ts', folder);
    assert.equal(code, 0, output);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('says what it can do', async () => {
    const { code, output } = await run(program, '--help');
    assert.equal(code, 0);
    for (const command of ['controller', 'agent', 'crds', 'check']) {
      assert.match(output, new RegExp(`^  ${command} `, 'm'));
      assert.equal((await run(program, command, '--help')).code, 0, command);
    }
  });

  it('prints the definitions', async () => {
    const { code, output } = await run(program, 'crds');
    assert.equal(code, 0);
    assert.equal(parseAllDocuments(output).length, customResourceDefinitions().length);
  });

  it('has no simulator in it, and says where there is one', async () => {
    const { code, output } = await run(program, 'local');
    assert.equal(code, 2);
    assert.match(output, /npm start/);
    const texts = readdirSync(folder)
      .filter((name) => name.endsWith('.mjs'))
      .map((name) => readFileSync(join(folder, name), 'utf8'));
    assert.ok(!texts.some((text) => text.includes('/_sim/')));
  });

  it('names a setting that is wrong', async () => {
    const { code, output } = await run(program, 'controller', '--azure-speed', 'fast');
    assert.equal(code, 2);
    assert.match(output, /--azure-speed: /);
  });

  it('works as a controller, says so, and gives its lease back when it is told to go', async () => {
    const world = await startWorld();
    try {
      const { child, url } = await startController(world.settings);
      const ready = await untilReady(`${url}/readyz`);
      assert.match(ready, /ok: leader/);
      assert.equal((await fetch(`${url}/healthz`)).status, 200);
      assert.match(await (await fetch(`${url}/metrics`)).text(), /leader_election_master_status/);
      assert.notEqual(world.holder(), '');
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      const [code] = await ended;
      assert.equal(code, 0);
      assert.equal(world.holder(), '');
    } finally {
      await world.stop();
    }
  });

  it('goes in an orderly way also while Azure answers nothing', async () => {
    const azure = await startSilentAzure();
    const world = await startWorld(azure.url);
    try {
      await world.createPool(aPool);
      const { child } = await startController(world.settings);
      await azure.asked;
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      const [code] = await ended;
      assert.equal(code, 0);
      assert.equal(world.holder(), '');
    } finally {
      azure.close();
      await world.stop();
    }
  });
});

/** Takes every request and answers none. */
async function startSilentAzure() {
  const asked = Promise.withResolvers<void>();
  const server = createServer(() => asked.resolve());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: asked.promise,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function startWorld(azureUrl?: string) {
  const runtime = createRuntime();
  const kubernetes = await startEmbeddedKubernetes({ runtime, crds: customResourceDefinitions() });
  const azure = await startSimulatedAzure({ runtime, speed: 100 });
  const kubeconfig = join(folder, 'kubeconfig');
  writeFileSync(kubeconfig, kubernetes.kubeconfig);
  const lease = 'coordination.k8s.io/leases';
  return {
    settings: [
      '--kubeconfig',
      kubeconfig,
      '--azure-endpoint',
      azureUrl ?? azure.url,
      '--azure-subscription-id',
      SUBSCRIPTION,
      '--azure-resource-group',
      'pools',
      '--azure-location',
      'westeurope',
      '--namespace',
      'default',
    ],
    createPool: async (pool: object): Promise<void> => {
      const { status, body } = await kubernetes.server.handle({
        method: 'POST',
        path: '/apis/poolkeeper.dev/v1alpha1/namespaces/default/volumepools',
        headers: {
          authorization: `Bearer ${kubernetes.token({ username: 'root', groups: ['system:masters'] })}`,
          'content-type': 'application/json',
        },
        body: JSON.stringify(pool),
      });
      assert.equal(status, 201, String(body));
    },
    /** Who leads; empty when nobody does. */
    holder: (): string => {
      const found = kubernetes.server.store.shelf(lease).get('default/poolkeeper-controller');
      return (found?.['spec'] as { holderIdentity?: string } | undefined)?.holderIdentity ?? '';
    },
    stop: async () => {
      await azure.close();
      await kubernetes.close();
    },
  };
}

/** Resolves when the controller has said on which port it answers. */
async function startController(
  settings: readonly string[],
): Promise<{ child: ChildProcess; url: string }> {
  const addresses = ['--http-address', '127.0.0.1:0', '--debug-address', ''];
  const child = spawn(process.execPath, [program, 'controller', ...settings, ...addresses], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  const url = new Promise<string>((resolve, reject) => {
    const look = (chunk: Buffer): void => {
      said += chunk.toString();
      const found = /"http":"(http:[^"]+)"/.exec(said)?.[1];
      if (found) resolve(found.replace('0.0.0.0', '127.0.0.1'));
    };
    child.stdout.on('data', look);
    child.stderr.on('data', look);
    child.once('exit', (code) => reject(new Error(`the controller ended with ${code}: ${said}`)));
  });
  return { child, url: await url };
}

/** `poolkeeper check` is what the chart's test runs. */
async function untilReady(url: string): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    const { code, output } = await run(program, 'check', '--url', url);
    if (code === 0) return output;
    assert.ok(attempt < 100, output);
  }
}
