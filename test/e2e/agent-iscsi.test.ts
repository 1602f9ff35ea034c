// A logical unit of an iSCSI target on a node, through the agent.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { events } from '../../src/api/built-in.ts';
import {
  GIBIBYTE,
  makeFilesystem,
  runOf,
  SimulatedDisk,
  SimulatedNetwork,
} from '../../src/local/hosts/index.ts';
import { seededRandom } from '../../src/runtime/random.ts';
import { hasBlankEnds, mountPath, World } from './agent-world.ts';

const portal = '10.0.0.5:3260';
const name = 'iqn.2026-01.com.example:data';
const secret = 'correct-horse-battery';

interface Setting {
  readonly chap?: { username: string; password: string };
  readonly credentials?: Record<string, string>;
}

async function aWorld({ chap, credentials }: Setting = {}) {
  const network = new SimulatedNetwork();
  const unit = { number: 3, sizeBytes: 4 * GIBIBYTE, serial: 'lun-3', wwn: '0x6001405abc' };
  const target = network.addIscsiTarget(portal, name, [unit], chap);
  const world = new World({ network, ...(credentials && { credentials }) });
  await world.prepare();
  world.startAgent();
  /** The unit as a disk, to look at it or to prepare it. */
  const disk = new SimulatedDisk(
    { sizeBytes: unit.sizeBytes, transport: 'iscsi' },
    target.logicalUnits[0]!.bytes,
  );
  return { world, network, target, disk };
}

const branch = (iscsi: object = {}): object => ({
  type: 'iscsi',
  iscsi: { portal, target: name, lun: 3, ...iscsi },
});

const ran = (world: World, ...words: string[]): boolean =>
  world.host.commands.some(({ argv }) => words.every((word) => argv.includes(word)));

test('a blank unit is logged in to, reserved, formatted, mounted and measured', async () => {
  const { world, target } = await aWorld();
  await world.createAny('data-node-1', branch());
  const mount = await world.untilPhase('Mounted');
  assert.equal(mount.status?.mountPath, mountPath);
  assert.ok((mount.status?.sizeBytes ?? 0) > 3 * GIBIBYTE);
  assert.equal(world.condition(mount, 'DisksClaimed')?.status, 'True');
  assert.equal(world.condition(mount, 'Formatted')?.status, 'True');
  const node = await world.storageNode();
  const device = node?.status?.devices.find(({ serial }) => serial === 'lun-3');
  assert.equal(device?.claimedBy?.name, 'data-node-1');
  assert.deepEqual([...target.initiators], ['node-1']);
  assert.ok(ran(world, 'node.startup', 'manual'), 'the host must not log in by itself at boot');
  await world.stop();
});

test('deletion unmounts, logs out, forgets the record and keeps the bytes', async () => {
  const { world, target, disk } = await aWorld();
  await world.createAny('data-node-1', branch());
  await world.untilPhase('Mounted');
  await world.host.writeFile(`${mountPath}/precious.txt`, 'keep me');
  await world.deleteMount();
  await world.untilPhase('Released');
  assert.equal(target.initiators.size, 0);
  assert.equal(await world.host.listDirectory(mountPath), undefined);
  assert.ok(ran(world, '-o', 'delete'));
  assert.match(Buffer.from(disk.bytes.read(1024 ** 2, 4096)).toString(), /keep me/);
  await world.stop();
});

test('a unit with the asked-for filesystem is mounted as it is, never formatted', async () => {
  const { world, disk } = await aWorld();
  const uuid = '7d1f6a52-90ab-4c3e-8f21-5b6c7d8e9f00';
  makeFilesystem(disk, 'ext4', uuid, { '/old.txt': 'from before' });
  await world.createAny('data-node-1', branch());
  await world.untilPhase('Mounted');
  assert.equal(await world.host.readFile(`${mountPath}/old.txt`), 'from before');
  assert.ok(!ran(world, 'mkfs.ext4', '-U'));
  await world.deleteMount();
  await world.untilPhase('Released');
  assert.match(Buffer.from(disk.bytes.read(1024 ** 2, 4096)).toString(), /from before/);
  await world.stop();
});

describe('what is not blank is never formatted', () => {
  const cases: Record<string, { prepare: (disk: SimulatedDisk) => void; wantMessage: RegExp }> = {
    'another filesystem': {
      prepare: (disk) => makeFilesystem(disk, 'xfs', '7d1f6a52-90ab-4c3e-8f21-5b6c7d8e9f00'),
      wantMessage: /holds xfs, not ext4/,
    },
    'bytes that no tool knows': {
      prepare: (disk) => disk.scribble(seededRandom(5)),
      wantMessage: /holds data that no tool recognises/,
    },
    'a single byte at the very end': {
      prepare: (disk) => disk.write(disk.sizeBytes - 1, Uint8Array.of(1)),
      wantMessage: /holds data that no tool recognises/,
    },
  };
  for (const [title, { prepare, wantMessage }] of Object.entries(cases))
    test(title, async () => {
      const { world, disk } = await aWorld();
      prepare(disk);
      const before = disk.bytes.usedPageOffsets().map((at) => disk.bytes.read(at, 4096).slice());
      await world.createAny('data-node-1', branch());
      const mount = await world.untilPhase('Failed');
      assert.match(world.condition(mount, 'Stalled')?.message ?? '', wantMessage);
      await world.deleteMount();
      await world.untilPhase('Released');
      const after = disk.bytes.usedPageOffsets().map((at) => disk.bytes.read(at, 4096).slice());
      assert.deepEqual(after, before);
      await world.stop();
    });
});

describe('CHAP', () => {
  const chap = { username: 'initiator', password: secret };
  const reference = { credentialsSecretRef: { name: 'chap' } };

  test('the right password logs in and is seen nowhere', async () => {
    const { world } = await aWorld({ chap, credentials: { ...chap } });
    await world.createAny('data-node-1', branch(reference));
    const mount = await world.untilPhase('Mounted');
    assert.ok(ran(world, 'node.session.auth.password', secret), 'iscsiadm got it');
    assert.doesNotMatch(JSON.stringify(mount), new RegExp(secret));
    assert.match(JSON.stringify(mount.status?.commands), /<redacted>/);
    for (const text of world.host.machine.root.files.values())
      assert.ok(!text.includes(secret), 'no file of the host has it');
    await world.stop();
  });

  test('the wrong one is refused in words, seen nowhere, and left in no record', async () => {
    const credentials = { username: 'initiator', password: 'wrong-password-1' };
    const { world } = await aWorld({ chap, credentials });
    await world.createAny('data-node-1', branch(reference));
    const mount = await world.untilPhase('Failed');
    const ready = world.condition(mount, 'Ready');
    assert.equal(ready?.reason, 'AuthenticationFailed');
    assert.match(
      ready?.message ?? '',
      /iSCSI login failed on node-1: the target refused the login/,
    );
    assert.match(ready?.message ?? '', /exit code 24/);
    assert.doesNotMatch(JSON.stringify(mount), /wrong-password-1/);
    const told = await world.user.client.list(events);
    assert.ok(told.some(({ reason }) => reason === 'StepFailed'));
    assert.doesNotMatch(JSON.stringify(told), /wrong-password-1/);
    assert.ok(ran(world, '-o', 'delete'), 'the record went, with the password in it');
    await world.stop();
  });

  test('both sides prove themselves where the Secret has the keys for it', async () => {
    const mutual = { username: 'target', password: 'target-proves-it' };
    const credentials = {
      ...chap,
      mutualUsername: mutual.username,
      mutualPassword: mutual.password,
    };
    const { world } = await aWorld({ chap: { ...chap, mutual } as typeof chap, credentials });
    await world.createAny('data-node-1', branch(reference));
    const mount = await world.untilPhase('Mounted');
    assert.doesNotMatch(JSON.stringify(mount), /target-proves-it/);
    await world.stop();
  });

  test('a target that does not prove itself is not logged in to', async () => {
    const mutual = { username: 'target', password: 'target-proves-it' };
    const wrong = { mutualUsername: 'target', mutualPassword: 'somebody-else-1' };
    const credentials = { ...chap, ...wrong };
    const { world, target } = await aWorld({
      chap: { ...chap, mutual } as typeof chap,
      credentials,
    });
    await world.createAny('data-node-1', branch(reference));
    const mount = await world.untilPhase('Failed');
    const ready = world.condition(mount, 'Ready');
    assert.equal(ready?.reason, 'AuthenticationFailed');
    assert.match(ready?.message ?? '', /target did not prove itself; check mutualUsername/);
    assert.equal(target.initiators.size, 0);
    assert.doesNotMatch(JSON.stringify(mount), /somebody-else-1|target-proves-it/);
    await world.stop();
  });

  test('half of what the target would prove itself with is refused, not left out', async () => {
    const credentials = { ...chap, mutualUsername: 'target' };
    const { world } = await aWorld({ chap, credentials });
    await world.createAny('data-node-1', branch(reference));
    const mount = await world.untilPhase('Failed');
    const ready = world.condition(mount, 'Ready');
    assert.equal(ready?.reason, 'SecretNotFound');
    assert.match(ready?.message ?? '', /lacks mutualPassword/);
    assert.ok(!ran(world, '--login'));
    await world.stop();
  });

  test('the name of the user is no secret: a fault is looked for by it', async () => {
    const credentials = { username: 'node', password: secret };
    const { world } = await aWorld({ chap: credentials, credentials });
    await world.createAny('data-node-1', branch(reference));
    const mount = await world.untilPhase('Mounted');
    const lines = mount.status?.commands.map(({ command }) => command) ?? [];
    assert.ok(lines.some((line) => /^iscsiadm -m node .*auth\.username -v node$/.test(line)));
    await world.stop();
  });

  test('an agent that can ask nobody says so', async () => {
    const { world } = await aWorld({ chap });
    await world.createAny('data-node-1', branch(reference));
    const mount = await world.untilPhase('Failed');
    assert.equal(world.condition(mount, 'Ready')?.reason, 'CredentialsUnavailable');
    await world.stop();
  });
});

describe('what goes wrong is said', () => {
  test('a portal that refuses', async () => {
    const { world, target } = await aWorld();
    target.state = 'refused';
    await world.createAny('data-node-1', branch());
    const mount = await world.untilPhase('Failed');
    assert.equal(world.condition(mount, 'Ready')?.reason, 'ConnectionRefused');
    await world.deleteMount();
    await world.untilPhase('Released');
    await world.stop();
  });

  test('a target that the portal does not have', async () => {
    const { world } = await aWorld();
    await world.createAny('data-node-1', branch({ target: 'iqn.2026-01.com.example:other' }));
    const mount = await world.untilPhase('Failed');
    const ready = world.condition(mount, 'Ready');
    assert.equal(ready?.reason, 'NotExported');
    assert.match(ready?.message ?? '', /it offers: iqn\.2026-01\.com\.example:data/);
    await world.stop();
  });

  test('a unit that the target does not have, until it has it', async () => {
    const { world, target } = await aWorld();
    await world.createAny('data-node-1', branch({ lun: 7 }));
    const mount = await world.untilPhase('Failed');
    assert.match(world.condition(mount, 'Ready')?.message ?? '', /no logical unit 7.*it offers 3/);
    const bytes = new SimulatedDisk({ sizeBytes: GIBIBYTE }).bytes;
    target.logicalUnits.push({ number: 7, serial: 'lun-7', bytes });
    await world.untilPhase('Mounted');
    await world.stop();
  });

  test('iscsiadm that is missing', async () => {
    const { world } = await aWorld();
    world.killAgent();
    world.host.machine.missingPrograms.add('iscsiadm');
    world.startAgent();
    await world.createAny('data-node-1', branch());
    const mount = await world.untilPhase('Pending');
    const message = world.condition(mount, 'Stalled')?.message ?? '';
    assert.match(message, /lacks iscsiadm \(package open-iscsi\)/);
    await world.stop();
  });
});

describe('later on', () => {
  test('a target that falls silent makes it Unknown, and it comes back', async () => {
    const { world, target } = await aWorld();
    await world.createAny('data-node-1', branch());
    await world.untilPhase('Mounted');
    target.state = 'hung';
    const mount = await world.untilPhase('Unknown');
    assert.equal(world.condition(mount, 'Ready')?.status, 'Unknown');
    assert.match(world.condition(mount, 'Ready')?.message ?? '', /does not answer.*FAILED/);
    target.state = 'up';
    await world.untilPhase('Mounted');
    await world.stop();
  });

  test('an iscsiadm that is not there for a while makes no mount look gone', async () => {
    const { world } = await aWorld();
    await world.createAny('data-node-1', branch());
    await world.untilPhase('Mounted');
    const { machine } = world.host;
    machine.missingPrograms.add('iscsiadm');
    await world.settle(200);
    assert.ok(machine.mountAt(mountPath), 'still mounted');
    assert.ok(!world.host.commands.some(({ argv }) => argv[0] === 'umount'));
    machine.missingPrograms.delete('iscsiadm');
    await world.settle(700);
    await world.untilPhase('Mounted');
    assert.ok(!world.host.commands.some(({ argv }) => argv[0] === 'umount'));
    await world.stop();
  });

  test('it is deleted although its target is silent', async () => {
    const { world, target } = await aWorld();
    await world.createAny('data-node-1', branch());
    await world.untilPhase('Mounted');
    target.state = 'hung';
    await world.untilPhase('Unknown');
    await world.deleteMount();
    await world.untilPhase('Released');
    await world.stop();
  });

  test('one that is wished read-only is mounted so, and nothing is written to it', async () => {
    const { world, disk } = await aWorld();
    makeFilesystem(disk, 'ext4', '7d1f6a52-90ab-4c3e-8f21-5b6c7d8e9f00', { '/old.txt': 'before' });
    await world.createAny('data-node-1', branch({ options: ['ro'] }));
    const mount = await world.untilPhase('Mounted');
    assert.equal(mount.status?.lastError, undefined);
    assert.equal(await world.host.readFile(`${mountPath}/.poolkeeper.json`), undefined);
    await world.deleteMount();
    await world.untilPhase('Released');
    await world.stop();
  });

  test('one that the kernel made read-only is told of, and can be deleted', async () => {
    const { world, target } = await aWorld();
    await world.createAny('data-node-1', branch());
    await world.untilPhase('Mounted');
    const mounted = world.host.machine.mountAt(mountPath)! as { options: readonly string[] };
    mounted.options = ['ro', ...mounted.options.slice(1)];
    const mount = await world.untilPhase('Failed');
    assert.equal(world.condition(mount, 'Ready')?.reason, 'FilesystemReadOnly');
    await world.deleteMount();
    await world.untilPhase('Released');
    assert.equal(target.initiators.size, 0);
    await world.stop();
  });

  test('after a reboot it is logged in to and mounted again, and nothing is formatted', async () => {
    const { world } = await aWorld();
    await world.createAny('data-node-1', branch());
    await world.untilPhase('Mounted');
    await world.host.writeFile(`${mountPath}/precious.txt`, 'keep me');
    world.killAgent();
    world.host.machine.reboot({ shuffleNames: true });
    world.startAgent();
    await world.until(
      'mounted again',
      async () => (await world.host.readFile(`${mountPath}/precious.txt`)) === 'keep me',
    );
    await world.untilPhase('Mounted');
    const formatted = world.host.commands.filter(({ argv }) => argv[0] === 'mkfs.ext4');
    assert.equal(formatted.filter(({ argv }) => argv.includes('-U')).length, 1);
    await world.stop();
  });

  test('what somebody writes onto a blank unit while mkfs fails is not formatted over', async () => {
    const { world, disk } = await aWorld();
    const failure = { type: 'fail', exitCode: 1, stderr: 'mkfs.ext4: Input/output error' } as const;
    world.host.faults.add({ matches: runOf('mkfs.ext4', '-U'), effect: failure, times: 3 });
    await world.createAny('data-node-1', branch());
    await world.untilPhase('Failed');
    await world.settle(1);
    disk.scribble(seededRandom(1));
    await world.until('refused', async () => {
      const ready = world.condition(await world.mount(), 'Ready');
      return ready?.reason === 'DeviceNotBlank';
    });
    await world.settle(900);
    assert.equal(hasBlankEnds(disk), false);
    await world.stop();
  });

  test('a session that others of this node use stays until the last of them goes', async () => {
    const { world, target } = await aWorld();
    const bytes = new SimulatedDisk({ sizeBytes: GIBIBYTE }).bytes;
    target.logicalUnits.push({ number: 4, serial: 'lun-4', bytes });
    await world.createAny('data-node-1', branch());
    await world.untilPhase('Mounted');
    const other = { ...branch({ lun: 4 }), poolRef: { name: 'logs', uid: 'other-pool' } };
    await world.createAny('logs-node-1', other);
    await world.untilPhase('Mounted', 'logs-node-1');
    await world.deleteMount();
    const released = await world.untilPhase('Released');
    assert.match(released.status?.leftBehind.join() ?? '', /default\/logs-node-1 use it too/);
    assert.equal(target.initiators.size, 1);
    await world.releaseCleanedUp();
    await world.deleteMount('logs-node-1');
    await world.untilPhase('Released', 'logs-node-1');
    assert.equal(target.initiators.size, 0);
    await world.stop();
  });

  test('in its steady state it runs nothing but questions and writes nothing', async () => {
    const { world } = await aWorld();
    await world.createAny('data-node-1', branch());
    await world.untilPhase('Mounted');
    await world.settle(60);
    const { resourceVersion } = (await world.mount())!.metadata;
    const before = world.host.commands.length;
    await world.settle(300);
    assert.equal((await world.mount())!.metadata.resourceVersion, resourceVersion);
    const since = world.host.commands.slice(before).map(({ argv }) => argv.join(' '));
    const changing = since.filter((line) =>
      /^(mount |umount|mkfs\.\w+ -U|wipefs -a|dd if=\/dev\/zero|chattr|mkdir)|--log(in|out)|-o (new|update)/.test(
        line,
      ),
    );
    assert.deepEqual(changing, []);
    await world.stop();
  });
});

/** Those of making it (8), then those of undoing it (5). */
const CHANGING_COMMANDS = 13;
const changing =
  /^(mount|umount|mkfs\.ext4 -U|chattr|mkdir|rmdir)|--log(in|out)|-o (new|update|delete)/;

async function whateverDies(world: World, phase: string): Promise<void> {
  await world.until(`phase ${phase}`, async () => {
    if (!world.isAgentAlive) world.startAgent();
    return (await world.mount())?.status?.phase === phase;
  });
}

describe('killed at any command, it ends the same', () => {
  for (let index = 0; index < CHANGING_COMMANDS; index++)
    for (const moment of ['before', 'after'] as const)
      test(`${moment} changing command ${index + 1}`, async () => {
        const { world, target } = await aWorld();
        let seen = -1;
        world.host.faults.add({
          matches: ({ operation, argv }) => {
            const isChange = operation === 'run' && changing.test(argv.join(' '));
            if (isChange && !argv.includes('-V')) seen++;
            return isChange && seen === index;
          },
          effect: { type: 'lose-agent', moment },
        });
        await world.createAny('data-node-1', branch());
        await whateverDies(world, 'Mounted');
        await world.deleteMount();
        await whateverDies(world, 'Released');
        assert.ok(seen >= index, 'the fault struck');
        assert.equal(target.initiators.size, 0);
        assert.equal(await world.host.listDirectory(mountPath), undefined);
        await world.stop();
      });
});
