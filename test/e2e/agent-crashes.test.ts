// kill -9 of the agent at every call that changes something, and deletion at every step.
//
// The same story is played once for every such call and every moment in it (before the command,
// in its middle, after it but before its outcome was heard). It must end as if nothing had
// happened, or, for deletions, as if the pool had never been.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { FaultEffect, PortCall, SimulatedDisk } from '../../src/local/hosts/index.ts';
import { blankDisk, hasBlankEnds, mountPath, World } from './agent-world.ts';

const readers = new Set([
  ...['lsblk', 'blkid', 'udevadm', 'stat', 'lsns', 'modprobe', 'mount.nfs'],
  ...['iscsiadm', 'lsattr'],
]);

/** Calls that change the host; the rest only look. */
function changes({ operation, argv }: PortCall): boolean {
  if (operation !== 'run') return operation !== 'readFile' && operation !== 'isZero';
  if (readers.has(argv[0] ?? '')) return false;
  if (argv.includes('--examine') || argv.includes('--version')) return false;
  return !argv.includes('-V') && !argv.includes('-n');
}

type Moment = 'before' | 'during' | 'after';

/** Loses the agent at the n-th changing call; true is returned by the counter once it has struck. */
function loseAgentAt(world: World, ordinal: number, moment: Moment): { struck: () => boolean } {
  let count = 0;
  let struck = false;
  world.host.faults.add({
    matches: (call) => {
      if (!changes(call)) return false;
      struck = count++ === ordinal;
      return struck;
    },
    effect: { type: 'lose-agent', moment, afterStages: 2 },
  });
  return { struck: () => struck };
}

async function aWorld(disks: readonly SimulatedDisk[]): Promise<World> {
  const world = new World({ disks });
  await world.prepare();
  return world;
}

/** Restarts the agent whenever it is lost, until the condition holds. */
async function live(world: World, what: string, condition: () => Promise<boolean>): Promise<void> {
  await world.until(what, async () => {
    if (!world.isAgentAlive) world.startAgent();
    return condition();
  });
}

async function isSettled(world: World): Promise<boolean> {
  const mount = await world.mount();
  return mount?.status?.phase === 'Mounted';
}

/** How many matching calls the undisturbed story makes. */
async function countCalls(
  play: (world: World) => Promise<void>,
  matches: (call: PortCall) => boolean = changes,
): Promise<number> {
  const world = await aWorld([blankDisk('one'), blankDisk('two')]);
  let count = 0;
  world.host.faults.add({
    matches: (call) => {
      if (matches(call)) count++;
      return false;
    },
    effect: { type: 'hang' },
  });
  await play(world);
  await world.stop();
  return count;
}

async function make(world: World): Promise<void> {
  await world.createMount();
  await live(world, 'mounted', () => isSettled(world));
}

async function makeAndDelete(world: World): Promise<void> {
  await make(world);
  await remove(world);
}

async function remove(world: World): Promise<void> {
  await world.deleteMount();
  await live(world, 'released', async () => {
    const mount = await world.mount();
    if (mount?.status?.phase === 'Released') await world.releaseCleanedUp();
    return mount === undefined;
  });
}

const moments: readonly Moment[] = ['before', 'during', 'after'];

describe('the agent is killed while it makes an array', () => {
  for (const moment of moments)
    test(`${moment} each changing call: it ends mounted, with one array and one filesystem`, async () => {
      const total = await countCalls(make);
      assert.ok(total >= 20, `${total} changing calls`);
      for (let ordinal = 0; ordinal < total; ordinal++) {
        const world = await aWorld([blankDisk('one'), blankDisk('two')]);
        const fault = loseAgentAt(world, ordinal, moment);
        await make(world);
        assert.ok(ordinal > total - 3 || fault.struck(), `the agent was not lost at ${ordinal}`);
        const [array, ...others] = world.host.machine.blocks.arrays;
        assert.equal(others.length, 0, `other arrays after ${moment} ${ordinal}`);
        assert.equal(array?.degraded, 0);
        assert.match((await world.host.readFile(`${mountPath}/.poolkeeper.json`)) ?? '', /poolUid/);
        assert.deepEqual(await world.host.listDirectory('/run/mdadm'), []);
        await world.stop();
      }
    });
});

describe('the agent is killed in the middle of a command, and more happens', () => {
  test('with xfs, whose half-made superblock looks like a whole one: it ends mounted', async () => {
    const makeXfs = async (world: World): Promise<void> => {
      await world.createMount({ spec: { filesystem: 'xfs' } });
      await live(world, 'mounted', () => isSettled(world));
    };
    const total = await countCalls(makeXfs);
    for (let ordinal = 0; ordinal < total; ordinal++) {
      const world = await aWorld([blankDisk('one'), blankDisk('two')]);
      loseAgentAt(world, ordinal, 'during');
      await makeXfs(world);
      await world.stop();
    }
  });

  test('the pool is deleted before the next agent starts: nothing is left', async () => {
    const total = await countCalls(make);
    // The last two calls are made when the pool is complete; then its bytes are kept.
    for (let ordinal = 0; ordinal < total - 2; ordinal++) {
      const disks = [blankDisk('one'), blankDisk('two')];
      const world = await aWorld(disks);
      loseAgentAt(world, ordinal, 'during');
      await world.createMount();
      world.startAgent();
      await world.until('the agent is lost', () => !world.isAgentAlive);
      await remove(world);
      assert.deepEqual(disks.map(hasBlankEnds), [true, true], `at ${ordinal}`);
      assert.deepEqual(world.host.machine.blocks.arrays, []);
      assert.deepEqual(await world.host.listDirectory('/run/mdadm'), [], `marker at ${ordinal}`);
      assert.equal(await world.host.listDirectory(mountPath), undefined);
      await world.stop();
    }
  });
});

describe('the agent is killed while it destroys an array', () => {
  for (const moment of moments)
    test(`${moment} each changing call: it ends with blank, free disks`, async () => {
      const before = await countCalls(make);
      const total = await countCalls(destroy);
      for (let ordinal = before; ordinal < total; ordinal++) {
        const disks = [blankDisk('one'), blankDisk('two')];
        const world = await aWorld(disks);
        loseAgentAt(world, ordinal, moment);
        await destroy(world);
        assert.deepEqual(disks.map(hasBlankEnds), [true, true], `${moment} ${ordinal}`);
        assert.deepEqual(world.host.machine.blocks.arrays, []);
        assert.equal(await world.host.listDirectory(mountPath), undefined);
        await world.stop();
      }
    });
});

async function destroy(world: World): Promise<void> {
  await world.createMount({ deletionPolicy: 'Destroy' });
  await live(world, 'mounted', () => isSettled(world));
  await remove(world);
}

describe('the pool is deleted while it is being made', () => {
  test('at each changing call: nothing is left, the disks are as blank as before', async () => {
    const total = await countCalls(make);
    let unfinished = 0;
    for (let ordinal = 0; ordinal < total; ordinal++) {
      const disks = [blankDisk('one'), blankDisk('two')];
      const world = await aWorld(disks);
      let count = 0;
      world.host.faults.add({
        // The deletion comes in just when this call begins; the call itself takes its time.
        matches: (call) => {
          if (!changes(call) || count++ !== ordinal) return false;
          void world.deleteMount();
          return call.operation === 'run';
        },
        effect: { type: 'hang' },
      });
      await world.createMount();
      await live(world, 'released', async () => {
        const mount = await world.mount();
        if (mount?.status?.phase === 'Released') await world.releaseCleanedUp();
        return mount === undefined;
      });
      const wasActive = disks.some((disk) => !hasBlankEnds(disk));
      if (!wasActive) unfinished++;
      assert.deepEqual(world.host.machine.blocks.arrays, [], `arrays after ${ordinal}`);
      assert.equal(await world.host.listDirectory(mountPath), undefined, `directory: ${ordinal}`);
      assert.deepEqual(await world.host.listDirectory('/run/mdadm'), []);
      await world.stop();
    }
    assert.ok(unfinished >= total - 4, `${unfinished} of ${total} left blank disks`);
  });
});

describe('a command lies or is killed', () => {
  const effects: Readonly<Record<string, FaultEffect>> = {
    'fails without doing anything': { type: 'fail', exitCode: 1, stderr: 'no\n' },
    'fails after doing its work': { type: 'fail-after-doing', exitCode: 1, stderr: 'no\n' },
    'is killed in the middle': { type: 'kill-child', afterStages: 2 },
  };
  const isChangingRun = (call: PortCall): boolean => call.operation === 'run' && changes(call);
  for (const [name, effect] of Object.entries(effects))
    test(`each changing command, once, ${name}: it is made and destroyed all the same`, () =>
      sweep(isChangingRun, effect, name));

  const isReading = (call: PortCall): boolean => call.operation === 'run' && !changes(call);
  test('each look at the node, once, loses its output: it is made all the same', async () => {
    const effect: FaultEffect = { type: 'truncate-output', bytes: 0 };
    const total = await countCalls(make, isReading);
    for (let ordinal = 0; ordinal < total; ordinal++) {
      const world = await aWorld([blankDisk('one'), blankDisk('two')]);
      strikeOnce(world, { matches: isReading, ordinal, effect });
      await make(world);
      assert.equal(world.host.machine.blocks.arrays.length, 1);
      await world.stop();
    }
  });
});

interface Strike {
  readonly matches: (call: PortCall) => boolean;
  readonly ordinal: number;
  readonly effect: FaultEffect;
}

function strikeOnce(world: World, { matches, ordinal, effect }: Strike): void {
  let count = 0;
  world.host.faults.add({ matches: (call) => matches(call) && count++ === ordinal, effect });
}

/** Plays making and destroying once for every matching call, which then goes wrong. */
async function sweep(
  matches: (call: PortCall) => boolean,
  effect: FaultEffect,
  name: string,
): Promise<void> {
  const total = await countCalls(destroy, matches);
  for (let ordinal = 0; ordinal < total; ordinal++) {
    const disks = [blankDisk('one'), blankDisk('two')];
    const world = await aWorld(disks);
    strikeOnce(world, { matches, ordinal, effect });
    await destroy(world);
    assert.deepEqual(disks.map(hasBlankEnds), [true, true], `${name}: ${ordinal}`);
    assert.deepEqual(world.host.machine.blocks.arrays, []);
    await world.stop();
  }
}

describe('Retain survives crashes', () => {
  test('deleted with the agent killed at each changing call: the bytes are still there', async () => {
    const before = await countCalls(make);
    const total = await countCalls(makeAndDelete);
    for (let ordinal = before; ordinal < total; ordinal++) {
      const disks = [blankDisk('one'), blankDisk('two')];
      const world = await aWorld(disks);
      loseAgentAt(world, ordinal, 'after');
      await makeAndDelete(world);
      assert.deepEqual(disks.map(hasBlankEnds), [false, false], `after ${ordinal}`);
      assert.deepEqual(world.host.machine.blocks.arrays, []);
      await world.stop();
    }
  });
});
