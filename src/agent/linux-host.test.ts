import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, stat, symlink, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { eventually } from '../../test/builders/eventually.ts';
import { systemClock } from '../runtime/clock.ts';
import type { HostPort } from './host-port.ts';
import { createLinuxHost } from './linux-host.ts';

describe('the real host', { skip: process.platform !== 'linux' && 'needs Linux' }, () => {
  let root: string;
  let host: HostPort;

  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'linux-host-'));
    host = createLinuxHost({
      nodeName: 'here',
      clock: systemClock,
      enter: [],
      rootDirectory: root,
    });
  });
  after(() => rm(root, { recursive: true }));

  test('a failure is a result with its exit code and both outputs', async () => {
    const result = await host.run({ argv: ['ls', '/does-not-exist'] });
    assert.equal(result.exitCode, 2);
    assert.match(result.stderr, /No such file or directory/);
  });

  test('a missing program answers 127', async () => {
    assert.equal((await host.run({ argv: ['no-such-program'] })).exitCode, 127);
  });

  test('standard input is what was given, and closed otherwise', async () => {
    assert.equal((await host.run({ argv: ['cat'], input: 'words' })).stdout, 'words');
    assert.equal((await host.run({ argv: ['cat'] })).stdout, '');
  });

  test('arguments are never seen by a shell', async () => {
    const { stdout } = await host.run({ argv: ['echo', '$(id)', '; ls'] });
    assert.equal(stdout, '$(id) ; ls\n');
  });

  test('an aborted command takes the processes that work for it along', async () => {
    const abort = new AbortController();
    const mark = join(root, 'begun');
    const script = `sh -c 'touch ${mark}; sleep 601' & wait`;
    const running = host.run({ argv: ['sh', '-c', script] }, { signal: abort.signal });
    await eventually('it has begun', async () => (await host.readFile('/begun')) !== undefined);
    abort.abort();
    // The answer comes only once nobody holds its output open any more.
    assert.equal((await running).exitCode, 137);
  });

  test('an aborted command is dead when the answer comes', async () => {
    const abort = new AbortController();
    const running = host.run({ argv: ['sleep', '600'] }, { signal: abort.signal });
    abort.abort();
    const result = await running;
    assert.equal(result.exitCode, 137);
    assert.equal(result.timedOut, false);
  });

  test('a command that takes too long is killed', async () => {
    const result = await host.run({ argv: ['sleep', '600'], timeoutMilliseconds: 20 });
    assert.equal(result.timedOut, true);
    assert.equal(result.exitCode, 137);
  });

  test('files are replaced in one go and are for the owner only', async () => {
    await host.makeDirectory('/journal');
    await host.writeFile('/journal/one.json', 'first');
    await host.writeFile('/journal/one.json', 'second');
    assert.equal(await host.readFile('/journal/one.json'), 'second');
    assert.deepEqual(await readdir(join(root, 'journal')), ['one.json']);
    assert.equal((await stat(join(root, 'journal/one.json'))).mode & 0o777, 0o600);
    await host.removeFile('/journal/one.json');
    assert.equal(await host.readFile('/journal/one.json'), undefined);
    assert.deepEqual(await host.listDirectory('/journal'), []);
    assert.equal(await host.listDirectory('/nowhere'), undefined);
  });

  test('what a tenant leaves in a volume is neither followed nor waited for', async () => {
    await host.makeDirectory('/volume');
    await host.makeDirectory('/etc');
    await host.writeFile('/etc/passwd', 'root');
    for (const name of ['marker', 'marker.new'])
      await symlink('../etc/passwd', join(root, 'volume', name));
    assert.equal(await host.readFile('/volume/marker'), undefined);
    await host.writeFile('/volume/marker', 'ours');
    assert.equal(await host.readFile('/etc/passwd'), 'root');
    assert.equal(await host.readFile('/volume/marker'), 'ours');
    await host.run({ argv: ['mkfifo', join(root, 'volume/pipe')] });
    assert.equal(await host.readFile('/volume/pipe'), undefined);
    await truncate(join(root, 'volume/marker'), 2 ** 40);
    assert.equal(await host.readFile('/volume/marker'), undefined);
    assert.equal(await host.readFile('/volume'), undefined);
  });

  test('a device that is not there is refused, and none is made', async () => {
    await assert.rejects(host.isZero('/dev/no-such-disk', 0, 512), { code: 'ENOENT' });
    assert.equal((await host.run({ argv: ['ls', '/dev/no-such-disk'] })).exitCode, 2);
  });
});
