// The second day of an array: disks fail and are replaced, it grows, it is scrubbed. Whatever
// happens, what was written stays, and the pool stays mounted.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { GIBIBYTE, makeFilesystem, type runOf } from '../../src/local/hosts/index.ts';
import { mountPath } from './agent-world.ts';
import {
  array,
  aStory,
  assertKept,
  count,
  drives,
  failDisk,
  isLetGo,
  named,
  setMdadm,
} from './array-story.ts';

describe('a disk of a running array', () => {
  test('that failed is replaced by naming another, and let go once the array is whole', async () => {
    const { world, disks } = await aStory(['one', 'two', 'three'], {
      devices: named('one', 'two'),
    });
    failDisk(world, disks['two']!);
    let mount = await world.untilPhase('Degraded');
    assert.equal(world.condition(mount, 'Ready')?.status, 'True');
    assert.equal(world.condition(mount, 'ArrayHealthy')?.reason, 'ArrayDegraded');
    assert.deepEqual(drives(mount), { one: 'Active', two: 'Faulty' });
    await setMdadm(world, { devices: named('one', 'three') });
    mount = await world.untilPhase('Mounted');
    await world.until('two is let go', () => isLetGo(world, 'two'));
    await world.settle(40);
    mount = (await world.mount())!;
    assert.deepEqual(drives(mount), { one: 'Active', three: 'Active' });
    assert.equal(world.condition(mount, 'ArrayHealthy')?.status, 'True');
    const devices = (await world.storageNode())?.status?.devices ?? [];
    assert.equal(devices.find(({ serial }) => serial === 'two')?.claimedBy, undefined);
    await assertKept(world);
    await world.stop();
  });

  test('that works is replaced without ever lacking redundancy, with percent and time left', async () => {
    const { world, disks } = await aStory(
      ['one', 'two', 'three'],
      { devices: named('one', 'two') },
      { speed: 1, sizes: { one: 64 * GIBIBYTE, two: 64 * GIBIBYTE, three: 64 * GIBIBYTE } },
    );
    await setMdadm(world, { devices: named('one', 'three') });
    const mount = await world.untilPhase('Rebuilding');
    assert.equal(world.condition(mount, 'Ready')?.status, 'True');
    await world.until('progress', async () => {
      const { progress, array: shown } = (await world.mount())?.status ?? {};
      return (progress?.percent ?? 0) > 20 && (shown?.syncSecondsLeft ?? 0) > 0;
    });
    assert.deepEqual(drives(await world.mount()), {
      one: 'Active',
      three: 'Rebuilding',
      two: 'Leaving',
    });
    assert.equal(array(world).degraded, 0);
    await world.untilPhase('Mounted');
    await world.until('two is let go', () => isLetGo(world, 'two'));
    assert.deepEqual(
      array(world)
        .members.map(({ kernelName }) => kernelName)
        .sort(),
      ['one', 'three'].map((name) => world.host.machine.blocks.nameOf(disks[name]!)).sort(),
    );
    await assertKept(world);
    await world.stop();
  });

  test('is never wiped for the array unless confirmed: the pool goes on and says why', async () => {
    const { world, disks } = await aStory(['one', 'two', 'three'], {
      devices: named('one', 'two'),
    });
    makeFilesystem(disks['three']!, 'ext4', '7d1f6a52-90ab-4c3e-8f21-5b6c7d8e9f00');
    const writes = disks['three']!.writes;
    await setMdadm(world, { devices: named('one', 'three') });
    await world.until('complaint', async () => {
      const stalled = world.condition(await world.mount(), 'Stalled');
      return stalled?.reason === 'DeviceNotBlank';
    });
    const mount = await world.mount();
    assert.equal(mount?.status?.phase, 'Mounted');
    assert.equal(world.condition(mount, 'Ready')?.status, 'True');
    assert.equal(disks['three']!.writes, writes);
    assert.deepEqual(drives(mount), { one: 'Active', three: 'Pending', two: 'Leaving' });
    const wipe = { confirm: 'three' };
    await setMdadm(world, { devices: [{ serial: 'one' }, { serial: 'three', wipe }] });
    await world.until('replaced', async () => drives(await world.mount())['three'] === 'Active');
    await world.until('two is let go', () => isLetGo(world, 'two'));
    assert.match((await world.mount())?.status?.wipes[0]?.found ?? '', /ext4/);
    await assertKept(world);
    await world.stop();
  });

  test('that was pulled out and came back is taken in again; one that failed is not', async () => {
    const { world, disks } = await aStory(['one', 'two', 'three'], {
      level: 5,
      devices: named('one', 'two', 'three'),
    });
    world.host.machine.blocks.removeDisk(disks['two']!);
    await world.untilPhase('Degraded');
    assert.equal(drives(await world.mount())['two'], 'Missing');
    world.host.machine.blocks.addDisk(disks['two']!);
    await world.untilPhase('Mounted');
    await world.settle(40);
    assert.equal(count(world, '--re-add'), 1);
    assert.equal(drives(await world.mount())['two'], 'Active');
    failDisk(world, disks['three']!);
    await world.untilPhase('Degraded');
    await world.settle(120);
    assert.equal(count(world, '--re-add'), 1);
    await assertKept(world);
    await world.stop();
  });

  test('is never taken out of a RAID0', async () => {
    const { world } = await aStory(['one', 'two', 'three'], {
      level: 0,
      devices: named('one', 'two'),
    });
    await setMdadm(world, { devices: named('one', 'three') });
    await world.until('complaint', async () => {
      return world.condition(await world.mount(), 'Stalled')?.reason === 'ChangeNotPossible';
    });
    assert.equal((await world.mount())?.status?.phase, 'Mounted');
    assert.equal(count(world, '--replace'), 0);
    await assertKept(world);
    await world.stop();
  });

  test('takes the place of a failed one by itself when it is a spare', async () => {
    const { world, disks } = await aStory(['one', 'two', 'three'], {
      devices: named('one', 'two', 'three'),
      spares: 1,
    });
    await world.settle(40);
    assert.equal(drives(await world.mount())['three'], 'Spare');
    failDisk(world, disks['one']!);
    await world.until('spare at work', async () => {
      return drives(await world.mount())['three'] === 'Active';
    });
    assert.equal(drives(await world.mount())['one'], 'Faulty');
    await assertKept(world);
    await world.stop();
  });
});

describe('an old copy', () => {
  test('never starts the array again alone', async () => {
    const { world, disks } = await aStory(['one', 'two'], { devices: named('one', 'two') });
    world.host.machine.blocks.removeDisk(disks['two']!);
    await world.untilPhase('Degraded');
    await world.host.writeFile(`${mountPath}/precious`, 'newer bytes');
    await world.settle(40);
    world.killAgent();
    world.host.machine.blocks.removeDisk(disks['one']!);
    world.host.machine.blocks.addDisk(disks['two']!);
    world.host.machine.reboot();
    world.startAgent();
    await world.until('refusal', async () => {
      return world.condition(await world.mount(), 'Ready')?.reason === 'ArrayFailed';
    });
    assert.match(world.condition(await world.mount(), 'Ready')?.message ?? '', /Out of date.*two/);
    assert.equal(count(world, 'mdadm --assemble'), 0);
    world.host.machine.blocks.addDisk(disks['one']!);
    await world.until(
      'back',
      async () => (await world.host.readFile(`${mountPath}/precious`)) === 'newer bytes',
    );
    await world.untilPhase('Mounted');
    await world.stop();
  });
});

describe('growing', () => {
  for (const level of [1, 4, 5, 6, 10]) {
    test(`RAID${level} takes in another disk, and the filesystem follows`, async () => {
      const first = level === 6 ? ['a', 'b', 'c', 'd'] : ['a', 'b', 'c'];
      const { world } = await aStory([...first, 'e'], { level, devices: named(...first) });
      await world.settle(40);
      const before = (await world.mount())?.status?.sizeBytes ?? 0;
      await setMdadm(world, { devices: named(...first, 'e') });
      await world.until('grown', () => array(world).shape.raidDisks === first.length + 1);
      await world.settle(60);
      const mount = await world.mount();
      assert.equal(mount?.status?.phase, 'Mounted');
      assert.equal(drives(mount)['e'], 'Active');
      const after = mount?.status?.sizeBytes ?? 0;
      if (level === 1) assert.equal(after, before);
      else assert.ok(after > before * 1.2, `${before} ${after}`);
      assert.equal(count(world, 'resize2fs'), level === 1 ? 0 : 1);
      await assertKept(world);
      await world.stop();
    });
  }

  test('onto larger disks, one after another, and the filesystem follows', async () => {
    const large = 8 * GIBIBYTE;
    const { world } = await aStory(
      ['one', 'two', 'three', 'four'],
      { devices: named('one', 'two'), filesystem: 'xfs' },
      { sizes: { three: large, four: large } },
    );
    await world.settle(40);
    const before = (await world.mount())?.status?.sizeBytes ?? 0;
    await setMdadm(world, { devices: named('three', 'four') });
    await world.until('larger', async () => {
      return ((await world.mount())?.status?.sizeBytes ?? 0) > before * 1.8;
    });
    assert.equal(count(world, '--size=max'), 1);
    assert.equal(count(world, 'xfs_growfs -d'), 1);
    await assertKept(world);
    await world.stop();
  });

  test('is refused in words where the kernel would need a backup', async () => {
    const { world } = await aStory(
      ['a', 'b', 'c', 'd'],
      { level: 5, devices: named('a', 'b', 'c'), chunkKiB: 4096 },
      // Eight mebibytes before the data are too little for three chunks of four.
      { sizes: { a: GIBIBYTE, b: GIBIBYTE, c: GIBIBYTE, d: GIBIBYTE } },
    );
    await setMdadm(world, { devices: named('a', 'b', 'c', 'd') });
    await world.until('complaint', async () => {
      return /before their data/.test(
        world.condition(await world.mount(), 'Stalled')?.message ?? '',
      );
    });
    assert.equal(count(world, '--raid-devices=4'), 0);
    await world.stop();
  });

  test('never makes a RAID5 smaller; a mirror may have fewer copies', async () => {
    const five = await aStory(['a', 'b', 'c', 'd'], {
      level: 5,
      devices: named('a', 'b', 'c', 'd'),
    });
    await setMdadm(five.world, { devices: named('a', 'b', 'c') });
    await five.world.until('complaint', async () => {
      const mount = await five.world.mount();
      return five.world.condition(mount, 'Stalled')?.reason === 'ChangeNotPossible';
    });
    assert.equal(array(five.world).members.length, 4);
    await assertKept(five.world);
    await five.world.stop();

    const mirror = await aStory(['a', 'b', 'c'], { devices: named('a', 'b', 'c') });
    await setMdadm(mirror.world, { devices: named('a', 'b') });
    await mirror.world.until('smaller', () => array(mirror.world).shape.raidDisks === 2);
    await mirror.world.until('c is let go', () => isLetGo(mirror.world, 'c'));
    assert.equal((await mirror.world.mount())?.status?.phase, 'Mounted');
    await assertKept(mirror.world);
    await mirror.world.stop();
  });
});

describe('scrubbing', () => {
  test('on request, once per request; what differs is counted and never repaired', async () => {
    const { world } = await aStory(['one', 'two'], { devices: named('one', 'two') }, { speed: 20 });
    array(world).mismatches = 128;
    await setMdadm(world, { scrubRequestedAt: 'today' });
    await world.until('running', async () => {
      return world.condition(await world.mount(), 'ArrayConsistent')?.reason === 'ScrubRunning';
    });
    assert.equal((await world.mount())?.status?.phase, 'Mounted');
    await world.until('counted', async () => {
      return world.condition(await world.mount(), 'ArrayConsistent')?.reason === 'MismatchesFound';
    });
    assert.equal((await world.mount())?.status?.array?.scrub?.mismatchCount, 128);
    await world.settle(300);
    assert.equal(count(world, '--action=check'), 1);
    assert.equal(count(world, 'repair'), 0);
    await setMdadm(world, { scrubRequestedAt: 'tomorrow' });
    await world.until('again', () => count(world, '--action=check') === 2);
    await world.stop();
  });

  test('by schedule, counted from the last one', async () => {
    const { world } = await aStory(['one', 'two'], {
      devices: named('one', 'two'),
      scrubInterval: '24h',
    });
    await world.settle(60);
    assert.equal(count(world, '--action=check'), 0);
    world.killAgent();
    await world.clock.advance(24 * 3_600_000);
    world.startAgent();
    await world.until('scrubbed', async () => {
      return world.condition(await world.mount(), 'ArrayConsistent')?.reason === 'ScrubClean';
    });
    assert.equal(count(world, '--action=check'), 1);
    await world.stop();
  });
});

describe('killed at any moment of a change', () => {
  const changes = {
    'while a disk is replaced': {
      first: ['one', 'two'],
      after: ['one', 'three'],
      level: 1,
      commands: ['--add-spare', '--replace', '--remove', '--zero-superblock', 'wipefs'],
    },
    'while it grows': {
      first: ['one', 'two', 'three'],
      after: ['one', 'two', 'three', 'four'],
      level: 5,
      commands: ['--add-spare', '--raid-devices=4', 'resize2fs'],
    },
  } as const;
  for (const [when, { first, after, level, commands }] of Object.entries(changes))
    for (const command of commands)
      for (const moment of ['before', 'after'] as const)
        test(`${when}, ${moment} ${command}`, async () => {
          const names = [...new Set([...first, ...after])];
          const { world } = await aStory(names, { level, devices: named(...first) });
          await world.settle(40);
          const matches: ReturnType<typeof runOf> = ({ operation, argv }) =>
            operation === 'run' &&
            (command === 'wipefs'
              ? argv[0] === command && argv.includes('-a')
              : argv[0] === command || argv.includes(command));
          world.host.faults.add({ matches, effect: { type: 'lose-agent', moment } });
          await setMdadm(world, { devices: named(...after) });
          await world.until('killed', () => !world.isAgentAlive);
          world.startAgent();
          await world.until('as the spec asks', async () => {
            const shown = drives(await world.mount());
            const isDone = Object.keys(shown).length === after.length;
            return isDone && after.every((name) => shown[name] === 'Active');
          });
          await world.settle(60);
          const gone = names.filter((name) => !(after as readonly string[]).includes(name));
          for (const name of gone) await world.until('let go', () => isLetGo(world, name));
          assert.equal((await world.mount())?.status?.phase, 'Mounted');
          await assertKept(world);
          await world.stop();
        });
});
