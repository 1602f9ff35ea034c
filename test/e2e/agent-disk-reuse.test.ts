// A disk that a pool has erased or wiped, and then could not use: somebody took it for something else
// while the pool still tried, or still waited to be deleted. What they put on it was erased as remains
// of the pool's own.
import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { makeFilesystem, runOf, type SimulatedDisk } from '../../src/local/hosts/index.ts';
import { blankDisk, World } from './agent-world.ts';

let world: World;
let disks: SimulatedDisk[];
afterEach(() => world.stop());

const uuid = 'aaaaaaaa-0000-4000-8000-000000000001';

/** The array is made and taken back, because the agent died; after that mdadm refuses each time. */
async function failAfterErasing(): Promise<void> {
  disks = [blankDisk('one'), blankDisk('two')];
  world = new World({ disks });
  await world.prepare();
  world.startAgent();
  const create = runOf('mdadm', '--create');
  world.host.faults.add({
    matches: create,
    effect: { type: 'lose-agent', moment: 'during', afterStages: 3 },
  });
  const refused = {
    type: 'fail',
    exitCode: 1,
    stderr: 'mdadm: RUN_ARRAY failed: Input/output error',
  };
  world.host.faults.add({ matches: create, effect: refused as never, times: 1000 });
}

async function untilRefused(reason: string): Promise<void> {
  await world.until(`refused as ${reason}`, async () => {
    if (!world.isAgentAlive) world.startAgent();
    return world.condition(await world.mount(), 'Ready')?.reason === reason;
  });
}

function isUntouched(disk: SimulatedDisk): boolean {
  return Buffer.from(disk.read(1080, 2)).toString('hex') === '53ef';
}

describe('a disk that was given another use after the pool had erased it', () => {
  test('is refused by the pool that goes on trying', async () => {
    await failAfterErasing();
    await world.createMount();
    await untilRefused('CommandFailed');
    makeFilesystem(disks[0]!, 'ext4', uuid);
    await untilRefused('DeviceNotBlank');
    await world.settle(900);
    assert.ok(isUntouched(disks[0]!), 'the filesystem was erased');
  });

  test('keeps its bytes when the pool is deleted', async () => {
    await failAfterErasing();
    await world.createMount();
    await untilRefused('CommandFailed');
    makeFilesystem(disks[0]!, 'ext4', uuid);
    await world.deleteMount();
    await world.untilPhase('Released');
    assert.ok(isUntouched(disks[0]!), 'the filesystem was erased');
  });

  test('is refused although its destruction was confirmed once, for what it held then', async () => {
    await failAfterErasing();
    makeFilesystem(disks[0]!, 'ext4', uuid);
    const devices = [{ serial: 'one', wipe: { confirm: 'one' } }, { serial: 'two' }];
    await world.createMount({ spec: { devices } });
    await untilRefused('CommandFailed');
    assert.ok(!isUntouched(disks[0]!));
    makeFilesystem(disks[0]!, 'ext4', uuid);
    await untilRefused('DeviceNotBlank');
    await world.settle(900);
    assert.ok(isUntouched(disks[0]!), 'the filesystem was erased');
  });
});
