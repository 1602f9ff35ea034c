// Hooks: what ran is told with its output, a failing or endless one is told too, and none stops a release.
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { findCondition } from '../../src/api/conditions.ts';
import type { InstanceClaim } from '../../src/api/instance-claim.ts';
import { eventually } from '../builders/eventually.ts';
import { PoolsWorld } from './pools-world.ts';

let world: PoolsWorld;
afterEach(() => world.stop());

const namespace = 'stories';
const scaling = { minFree: 1, maxFree: 1, maxTotal: 3 };
const fresh = { volume: { type: 'New', new: { poolRef: { name: 'disks' } } } };

async function begin(hooks: object, scripts: string[] = []): Promise<void> {
  const { smallShell } = await import('../../src/local/azure/virtual-machines/small-shell.ts');
  world = await PoolsWorld.start({
    azure: {
      runCommand: (run) => {
        scripts.push(run.script);
        return smallShell(run);
      },
    },
  });
  await world.createVolumePool('disks', { scaling });
  await world.createInstancePool('boxes', { scaling, hooks });
  await world.untilFree('disks', 1);
  await world.untilFree('boxes', 1);
}

function untilHooks(name: string, reason: string): Promise<InstanceClaim> {
  return eventually(
    `the hooks of ${name} say ${reason}`,
    async () => {
      const claim = await world.getClaim(name);
      const condition = findCondition(claim?.status?.conditions, 'HooksSucceeded');
      return condition?.reason === reason ? claim : undefined;
    },
    { because: () => world.picture() },
  );
}

test('what a hook printed is in the status of the claim; it ran once, told whose claim and disk', async () => {
  const scripts: string[] = [];
  await begin(
    { onClaim: { script: 'echo made for you' }, onRelease: { script: 'echo goodbye' } },
    scripts,
  );
  await world.claim('mine', fresh);
  const claim = await world.untilReady('mine');
  const [record] = claim.status?.commands ?? [];
  assert.deepEqual(
    [record?.command, record?.state, record?.exitCode, record?.output?.trim()],
    ['onClaim', 'Succeeded', 0, 'made for you'],
  );
  assert.equal(findCondition(claim.status?.conditions, 'HooksSucceeded')?.status, 'True');
  await world.release('mine');
  await world.untilGone('mine');
  await world.untilFree('boxes', 1);
  const [first, second, ...more] = scripts;
  assert.match(
    first ?? '',
    /POOLKEEPER_CLAIM_NAME='mine'[\s\S]*POOLKEEPER_DEVICE='\/dev\/disk[\s\S]*made for you/,
  );
  assert.match(second ?? '', /POOLKEEPER_CLAIM_NAME='mine'[\s\S]*goodbye/);
  assert.deepEqual(more, []);
  await world.untilAccounted();
});

test('a hook that fails keeps the claim from being Ready, with its exit code and last words', async () => {
  await begin({ onClaim: { script: 'echo no such user >&2\nexit 3' } });
  await world.claim('mine');
  const claim = await untilHooks('mine', 'HookFailed');
  const ready = findCondition(claim.status?.conditions, 'Ready');
  assert.equal(ready?.status, 'False');
  assert.match(ready?.message ?? '', /exit code 3: [\s\S]*no such user/);
  assert.equal(findCondition(claim.status?.conditions, 'Stalled')?.reason, 'HookFailed');
  assert.notEqual(claim.status?.phase, 'Ready');
  await world.release('mine');
  await world.untilGone('mine');
  await world.untilAccounted();
});

test('a hook without end is given up in its time, and the machine is released all the same', async () => {
  await begin({ onClaim: { script: 'sleep 1500', timeout: '1s' } });
  await world.claim('mine', fresh);
  const claim = await untilHooks('mine', 'HookFailed');
  assert.match(
    findCondition(claim.status?.conditions, 'Ready')?.message ?? '',
    /not done within 1s/,
  );
  await world.release('mine');
  await world.untilGone('mine', namespace, { withinSeconds: 60 });
  await world.untilFree('boxes', 1, namespace, { withinSeconds: 60 });
  await world.untilAccounted({ withinSeconds: 60 });
});

test('a release hook that fails is on record and stops nothing', async () => {
  await begin({ onRelease: { script: 'exit 1' } });
  await world.claim('mine', fresh);
  await world.untilReady('mine');
  await world.release('mine');
  await world.untilGone('mine');
  await world.untilFree('boxes', 1);
  await world.untilAccounted();
});
