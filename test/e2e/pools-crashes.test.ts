// The operator dies, is doubled, or is replaced in the middle of its work; nothing is made twice,
// nothing is left over, no claim changes hands.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { instanceClaims } from '../../src/api/resources.ts';
import { isWrite } from '../../src/local/kubernetes/index.ts';
import { seededRandom } from '../../src/runtime/random.ts';
import { eventually } from '../builders/eventually.ts';
import { location, resourceGroup, subscriptionId } from '../builders/pools.ts';
import { PoolsWorld } from './pools-world.ts';

let world: PoolsWorld;
afterEach(() => world.stop());

const namespace = 'stories';
const fresh = { volume: { type: 'New', new: { poolRef: { name: 'disks' } } } };
const scaling = { minFree: 3, maxFree: 3, maxTotal: 10, scaleDownCooldown: '1s' };
const patience = { withinSeconds: 150 };

async function createPools(): Promise<void> {
  await world.createVolumePool('disks', { scaling, reclaimPolicy: 'Delete' });
  await world.createInstancePool('boxes', { scaling });
}

/** Everything that is claimed is ready, everything else is as the pools ask, all of it counted. */
async function expectSettled(claims: readonly string[]): Promise<void> {
  for (const name of claims) await world.untilReady(name, namespace, patience);
  await world.untilFree('boxes', 3, namespace, patience);
  await world.untilFree('disks', 3, namespace, patience);
  const standing = await world.client.list(instanceClaims, { namespace });
  assert.deepEqual(standing.map(({ metadata }) => metadata.name).sort(), [...claims].sort());
  const disks = standing.filter(({ spec }) => spec.volume).length;
  await world.untilAccounted({ ...patience, records: 3 + claims.length + 3 + disks });
  assert.equal((await world.instances()).length, 3 + claims.length);
  for (const claim of standing)
    assert.equal(world.machineOf(claim).dataDisks.length, claim.spec.volume ? 1 : 0);
}

test('two operators at once make nothing twice and bind nothing twice', async () => {
  world = await PoolsWorld.start();
  await world.startOperator();
  await createPools();
  await world.untilFree('boxes', 3);
  const names = Array.from({ length: 7 }, (_, number) => `c${number}`);
  await Promise.all(names.map((name) => world.claim(name, fresh)));
  await Promise.all(names.map((name) => world.untilReady(name, namespace, patience)));
  await Promise.all(names.slice(2).map((name) => world.release(name)));
  await Promise.all(names.slice(2).map((name) => world.untilGone(name, namespace, patience)));
  await expectSettled(names.slice(0, 2));
});

test('an operator that stops in the middle is carried on by the next', async () => {
  world = await PoolsWorld.start();
  await createPools();
  for (let round = 0; round < 4; round++) {
    await world.claim(`c${round}`, fresh);
    if (round > 0) await world.release(`c${round - 1}`);
    await world.operators.splice(0)[0]!.stop();
    await world.startOperator();
  }
  await expectSettled(['c3']);
});

/** The operator as a process of its own, which can be killed without a word. */
class Child {
  readonly #process: ChildProcess;
  readonly #gone: Promise<unknown>;
  #errors = '';

  constructor(kubeconfig: string) {
    const { running, speed } = world;
    const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
    const settings = {
      kubeconfig,
      installation: 'test',
      'azure-endpoint': running.url,
      'azure-speed': speed,
      'azure-subscription-id': subscriptionId,
      'azure-resource-group': resourceGroup,
      'azure-location': location,
      'http-address': '127.0.0.1:0',
      'leader-elect': false,
      'log-level': 'error',
    };
    const flags = Object.entries(settings).map(([name, value]) => `--${name}=${value}`);
    this.#process = spawn(process.execPath, [main, 'controller', ...flags], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#process.stderr?.on('data', (text) => {
      this.#errors += String(text);
    });
    this.#gone = new Promise((resolve) => this.#process.once('exit', resolve));
  }

  get errors(): string {
    return this.#errors;
  }

  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#gone;
  }
}

test('kill -9 at any moment: the next process finds its way', async () => {
  world = await PoolsWorld.start({ withOperator: false });
  const folder = mkdtempSync(join(tmpdir(), 'pools-crashes-'));
  const kubeconfig = join(folder, 'kubeconfig');
  writeFileSync(kubeconfig, world.kubernetes.kubeconfig);
  const random = seededRandom(Number(process.env['SEED'] ?? 7));
  let effects = 0;
  world.kubernetes.server.requests.subscribe((record) => {
    if (isWrite(record) && record.user === 'kubernetes-admin') effects++;
  });
  await createPools();
  let child: Child | undefined;
  try {
    for (let round = 0; round < 6; round++) {
      await world.claim(`c${round}`, round % 2 === 0 ? fresh : {});
      if (round >= 2) await world.release(`c${round - 2}`);
      child = new Child(kubeconfig);
      const strike = effects + 1 + Math.floor(random.next() * 40);
      const calls = world.running.azure.log.total + Math.floor(random.next() * 120);
      await eventually(
        'the moment to strike',
        () => effects >= strike || world.running.azure.log.total >= calls,
        { because: () => child?.errors },
      ).catch(() => {});
      await child.kill();
    }
    child = new Child(kubeconfig);
    await expectSettled(['c4', 'c5']);
    assert.equal(child.errors, '');
  } finally {
    await child?.kill();
    rmSync(folder, { recursive: true });
  }
});
