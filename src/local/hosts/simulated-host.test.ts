import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FakeClock, settle } from '../../runtime/fake-clock.ts';
import { createRuntime, type Runtime } from '../../runtime/index.ts';
import { seededRandom } from '../../runtime/random.ts';
import { runOf } from './faults.ts';
import {
  bootMountsOf,
  defaultHosts,
  GIBIBYTE,
  makeFilesystem,
  operatingSystemDisk,
  SimulatedDisk,
  SimulatedHost,
  SimulatedNetwork,
} from './index.ts';

const ARRAY_UUID = '1ae21676-b5a5-4bcc-8123-456789abcdef';
const FILESYSTEM_UUID = '22222222-3333-4444-8555-666666666666';

function blankDisk(serial: string, sizeBytes = GIBIBYTE): SimulatedDisk {
  return new SimulatedDisk({ serial, sizeBytes });
}

function aHost(
  disks: SimulatedDisk[],
  options: { runtime?: Runtime; speed?: number; network?: SimulatedNetwork } = {},
): SimulatedHost {
  const runtime =
    options.runtime ?? createRuntime({ clock: new FakeClock(), random: seededRandom(1) });
  return new SimulatedHost({
    nodeName: 'node-1',
    runtime,
    network: options.network ?? new SimulatedNetwork(),
    speed: options.speed ?? Number.POSITIVE_INFINITY,
    disks: [operatingSystemDisk({ sizeBytes: 4 * GIBIBYTE, serial: 'os' }), ...disks],
    bootMounts: bootMountsOf('os'),
  });
}

const run = (host: SimulatedHost, ...argv: string[]): ReturnType<SimulatedHost['run']> =>
  host.run({ argv });

function createArray(host: SimulatedHost, level: number, ...devices: string[]) {
  return run(
    host,
    'mdadm',
    '--create',
    '/dev/md/p1',
    `--level=${level}`,
    `--raid-devices=${devices.length}`,
    '--metadata=1.2',
    ...(level === 0 ? [] : ['--bitmap=internal']),
    '--homehost=any',
    '--name=p1',
    `--uuid=${ARRAY_UUID}`,
    ...devices,
  );
}

describe('what is on a disk', () => {
  test('a blank disk and an unreadable one look the same to blkid and wipefs', async () => {
    const broken = blankDisk('broken');
    broken.failReads = true;
    const host = aHost([blankDisk('blank'), broken]);
    for (const path of ['/dev/vdb', '/dev/vdc']) {
      assert.equal((await run(host, 'blkid', '-p', '-o', 'export', path)).exitCode, 2);
      const wiped = await run(host, 'wipefs', '-n', '-J', path);
      assert.deepEqual(JSON.parse(wiped.stdout), { signatures: [] });
      assert.equal((await run(host, 'mdadm', '--examine', '--export', path)).exitCode, 1);
    }
    assert.equal(await host.isZero('/dev/vdb', 0, 4096), true);
    await assert.rejects(host.isZero('/dev/vdc', 0, 4096), { code: 'EIO' });
  });

  test('lsblk shows the tree with serials, partitions and mount points', async () => {
    const host = aHost([blankDisk('one')]);
    const columns = 'NAME,TYPE,SIZE,SERIAL,FSTYPE,PTTYPE,MOUNTPOINTS';
    const { stdout } = await run(host, 'lsblk', '-J', '-b', '-p', '-o', columns);
    const { blockdevices } = JSON.parse(stdout);
    assert.equal(blockdevices[0].serial, 'os');
    assert.deepEqual(blockdevices[0].children[0].mountpoints, ['/']);
    assert.deepEqual(blockdevices[1], {
      name: '/dev/vdb',
      type: 'disk',
      size: GIBIBYTE,
      serial: 'one',
      fstype: null,
      pttype: null,
      mountpoints: [null],
    });
  });

  test('the disk of a mounted filesystem refuses an exclusive read', async () => {
    await assert.rejects(aHost([]).isZero('/dev/vda', 0, 512), { code: 'EBUSY' });
  });
});

describe('an array', () => {
  test('is created, formatted, mounted, filled, and keeps its files over a reboot', async () => {
    const host = aHost([blankDisk('one'), blankDisk('two')]);
    assert.equal((await createArray(host, 1, '/dev/vdb', '/dev/vdc')).exitCode, 0);
    const made = await run(host, 'mkfs.ext4', '-U', FILESYSTEM_UUID, '/dev/md127');
    assert.ok(made.stdout.includes('\b'), 'the counters are overwritten with backspaces');
    await run(host, 'mkdir', '-p', '/mnt/p1');
    const mounted = await run(host, 'mount', '-t', 'ext4', `UUID=${FILESYSTEM_UUID}`, '/mnt/p1');
    assert.equal(mounted.exitCode, 0, mounted.stderr);
    await host.writeFile('/mnt/p1/hello', 'world');
    host.machine.reboot({ shuffleNames: true });
    assert.equal(await host.readFile('/mnt/p1/hello'), undefined);
    await run(host, 'mount', `UUID=${FILESYSTEM_UUID}`, '/mnt/p1');
    assert.equal(await host.readFile('/mnt/p1/hello'), 'world');
    assert.match(
      (await host.readFile('/proc/1/mountinfo')) ?? '',
      / \/mnt\/p1 .* - ext4 \/dev\/md/,
    );
  });

  test('is refused on a disk with data, whose bytes stay as they were', async () => {
    const used = blankDisk('used');
    makeFilesystem(used, 'ext4', FILESYSTEM_UUID);
    const host = aHost([blankDisk('one'), used]);
    const writes = used.writes;
    const result = await createArray(host, 1, '/dev/vdb', '/dev/vdc');
    assert.equal(result.exitCode, 1);
    assert.match(result.stderr, /\/dev\/vdc appears to contain an ext2fs file system/);
    assert.equal(used.writes, writes);
  });

  test('RAID1 syncs without being degraded, RAID5 is built as a degraded one', async () => {
    const clock = new FakeClock();
    const runtime = createRuntime({ clock, random: seededRandom(1) });
    const disks = ['a', 'b', 'c', 'd', 'e'].map((serial) => blankDisk(serial, 64 * GIBIBYTE));
    const host = aHost(disks, { runtime, speed: 1 });
    const first = createArray(host, 1, '/dev/vdb', '/dev/vdc');
    await clock.advance(1000);
    await first;
    const file = (name: string): Promise<string | undefined> =>
      host.readFile(`/sys/block/md127/md/${name}`);
    assert.equal(await file('sync_action'), 'resync\n');
    assert.equal(await file('degraded'), '0\n');
    await clock.advance(100_000);
    const [done, total] = ((await file('sync_completed')) ?? '').split(' / ').map(Number);
    assert.ok(done! > 0.2 * total! && done! < 0.5 * total!, `${done} of ${total}`);
    await clock.advance(400_000);
    assert.equal(await file('sync_action'), 'idle\n');
    await run(host, 'true');
    const second = run(
      host,
      ...['mdadm', '--create', '/dev/md/p2', '--level=5', '--raid-devices=3', '--name=p2'],
      ...['--bitmap=internal', '/dev/vdd', '/dev/vde', '/dev/vdf'],
    );
    await clock.advance(1000);
    assert.equal((await second).exitCode, 0);
    assert.equal(await host.readFile('/sys/block/md126/md/sync_action'), 'recover\n');
    assert.equal(await host.readFile('/sys/block/md126/md/degraded'), '1\n');
    const tested = run(host, 'mdadm', '--detail', '--test', '/dev/md126');
    await clock.advance(1000);
    assert.equal((await tested).exitCode, 1);
  });

  test('killed while being created leaves superblocks, an inactive array and a marker', async () => {
    const host = aHost([blankDisk('one'), blankDisk('two')]);
    host.faults.add({
      matches: runOf('mdadm', '--create'),
      effect: { type: 'kill-child', afterStages: 4 },
    });
    assert.equal((await createArray(host, 1, '/dev/vdb', '/dev/vdc')).exitCode, 137);
    assert.equal(await host.readFile('/sys/block/md127/md/array_state'), 'inactive\n');
    assert.match((await host.readFile('/sys/block/md127/md/uuid')) ?? '', /^0{8}-/);
    assert.deepEqual(await host.listDirectory('/run/mdadm'), ['creating-md127']);
    const examined = await run(host, 'mdadm', '--examine', '--export', '/dev/vdb');
    assert.match(examined.stdout, /MD_UUID=1ae21676:b5a54bcc:81234567:89abcdef/);
  });

  test('loses a disk, is degraded, and rebuilds onto an added one with all files', async () => {
    const disks = ['one', 'two', 'three'].map((serial) => blankDisk(serial));
    const host = aHost(disks);
    await createArray(host, 1, '/dev/vdb', '/dev/vdc');
    await run(host, 'mkfs.ext4', '-U', FILESYSTEM_UUID, '/dev/md127');
    host.machine.blocks.removeDisk(disks[0]!);
    assert.equal(await host.readFile('/sys/block/md127/md/degraded'), '1\n');
    assert.equal((await run(host, 'mdadm', '--add', '/dev/md127', '/dev/vdd')).exitCode, 0);
    assert.equal(await host.readFile('/sys/block/md127/md/degraded'), '0\n');
    host.machine.blocks.removeDisk(disks[1]!);
    await run(host, 'mkdir', '-p', '/mnt/p1');
    const mounted = await run(host, 'mount', `UUID=${FILESYSTEM_UUID}`, '/mnt/p1');
    assert.equal(mounted.exitCode, 0, mounted.stderr);
  });

  test('cannot be stopped while another process holds a copy of its mount', async () => {
    const host = aHost([blankDisk('one'), blankDisk('two')]);
    await createArray(host, 1, '/dev/vdb', '/dev/vdc');
    host.machine.foreignMounts.push({
      processId: 4711,
      target: '/host/mnt/p1',
      source: '/dev/md127',
      filesystem: 'ext4',
    });
    const stopped = await run(host, 'mdadm', '--stop', '/dev/md127');
    assert.equal(stopped.exitCode, 1);
    assert.match(stopped.stderr, /Cannot get exclusive access/);
  });
});

describe('faults', () => {
  test('a lost agent gets no answer, its command may have done its work', async () => {
    const host = aHost([blankDisk('one'), blankDisk('two')]);
    let lost = 0;
    host.onAgentLost = () => lost++;
    host.faults.add({
      matches: runOf('mdadm', '--create'),
      effect: { type: 'lose-agent', moment: 'after' },
    });
    let answered = false;
    void createArray(host, 1, '/dev/vdb', '/dev/vdc').then(() => {
      answered = true;
    });
    await settle();
    assert.equal(lost, 1);
    assert.equal(answered, false);
    assert.equal(await host.readFile('/sys/block/md127/md/uuid'), `${ARRAY_UUID}\n`);
  });

  test('a hanging command ends with its signal, and with its timeout', async () => {
    const clock = new FakeClock();
    const host = aHost([], { runtime: createRuntime({ clock }) });
    host.faults.add({ matches: runOf('stat'), effect: { type: 'hang' }, times: 2 });
    const aborted = new AbortController();
    const first = host.run({ argv: ['stat', '-f', '/'] }, { signal: aborted.signal });
    aborted.abort();
    assert.equal((await first).exitCode, 137);
    const second = host.run({ argv: ['stat', '-f', '/'], timeoutMilliseconds: 5000 });
    await clock.advance(5000);
    assert.equal((await second).timedOut, true);
  });
});

describe('network storage', () => {
  test('nfs: mounts, refuses what is denied, and hangs with its server', async () => {
    const clock = new FakeClock();
    const [host] = defaultHosts(createRuntime({ clock, random: seededRandom(1) }), {
      speed: Number.POSITIVE_INFINITY,
    });
    assert.ok(host);
    await run(host, 'mkdir', '-p', '/mnt/nfs');
    const mountNfs = (exported: string): ReturnType<typeof run> =>
      run(host, 'mount', '-t', 'nfs', '-o', 'nfsvers=4.1', `nfs.example:${exported}`, '/mnt/nfs');
    assert.match((await mountNfs('/private')).stderr, /access denied by server/);
    assert.match((await mountNfs('/nothing')).stderr, /No such file or directory/);
    assert.equal((await mountNfs('/data')).exitCode, 0);
    const [block, total] = (await run(host, 'stat', '-f', '-c', '%S %b', '/mnt/nfs')).stdout
      .split(' ')
      .map(Number);
    assert.equal(block! * total!, 500 * GIBIBYTE);
    host.machine.network.nfsServers.get('nfs.example')!.state = 'hung';
    host.machine.speed = 1;
    const probe = host.run({
      argv: ['stat', '-f', '-c', '%S', '/mnt/nfs'],
      timeoutMilliseconds: 10_000,
    });
    await clock.advance(10_000);
    assert.equal((await probe).exitCode, 137);
    host.machine.speed = Number.POSITIVE_INFINITY;
    assert.equal((await run(host, 'umount', '-l', '/mnt/nfs')).exitCode, 0);
  });
});
