// Simulated machines over a restart of the process: their disks are as they were left.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { FakeClock } from '../../runtime/fake-clock.ts';
import { createRuntime } from '../../runtime/index.ts';
import { defaultHosts } from './default-hosts.ts';
import { keepHosts } from './kept-hosts.ts';
import type { SimulatedHost } from './simulated-host.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'poolkeeper-hosts-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

interface Life {
  readonly hosts: SimulatedHost[];
  readonly clock: FakeClock;
  readonly end: () => void;
  run(host: number, ...argv: string[]): Promise<string>;
}

function begin(): Life {
  const clock = new FakeClock();
  const hosts = defaultHosts(createRuntime({ clock }), { speed: Number.POSITIVE_INFINITY });
  const end = keepHosts({ clock, hosts, directory });
  return {
    hosts,
    clock,
    end,
    async run(host, ...argv) {
      const result = hosts[host]!.run({ argv });
      await clock.advance(60_000);
      const { exitCode, stdout, stderr } = await result;
      assert.equal(exitCode, 0, `${argv.join(' ')}: ${stderr}`);
      return stdout;
    },
  };
}

test('arrays, filesystems, files and mount points are there again, and nothing is mounted', async () => {
  const first = begin();
  const disks = ['/dev/sdb', '/dev/sdc'];
  const create = ['mdadm', '--create', '/dev/md/kept', '--level=1', '--raid-devices=2'];
  await first.run(0, ...create, '--metadata=1.2', '--run', ...disks);
  await first.run(0, 'mkfs.ext4', '/dev/md/kept');
  await first.hosts[0]!.makeDirectory('/srv/kept');
  await first.run(0, 'mount', '/dev/md/kept', '/srv/kept');
  await first.hosts[0]!.writeFile('/srv/kept/note', 'still here');
  await first.hosts[0]!.writeFile('/etc/own', 'of the root filesystem');
  first.end();

  const second = begin();
  const [host] = second.hosts;
  assert.equal(await host!.readFile('/etc/own'), 'of the root filesystem');
  assert.equal(await host!.readFile('/srv/kept/note'), undefined, 'it is not mounted');
  const array = /md\d+/.exec((await host!.readFile('/proc/mdstat')) ?? '')?.[0];
  assert.ok(array, 'assembled at boot');
  await second.run(0, 'mount', `/dev/${array}`, '/srv/kept');
  assert.equal(await host!.readFile('/srv/kept/note'), 'still here');
  second.end();
});

test('what was killed is as it was half a second ago at most', async () => {
  const first = begin();
  await first.run(1, 'mkfs.xfs', '/dev/vdb');
  await first.clock.advance(1_000);
  // No end: the process is killed.
  const second = begin();
  assert.match(await second.run(1, 'blkid', '-p', '/dev/vdb'), /TYPE=xfs/);
  second.end();
});
