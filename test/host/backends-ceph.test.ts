// A CephFS backend against a real cluster of one node: banner, trial mount, and the words of each failure.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { StorageBackend } from '../../src/api/storage-backend.ts';
import { ADDRESS, BackendWorld, readyOf } from './backend-world.ts';

let world: BackendWorld;

before(async () => {
  world = await BackendWorld.start({
    memoryMebibytes: 2560,
    packages: ['ceph-mon', 'ceph-osd', 'ceph-mds', 'ceph-common'],
  });
});
after(() => world?.host.close());

describe('CephFS', () => {
  const cephfs = (more: object = {}) => ({
    type: 'cephfs',
    cephfs: { monitors: [ADDRESS], ...more },
    credentialsSecretRef: { name: 'ceph' },
    probeTimeout: '60s',
  });

  before(async () => {
    const key = (await world.host.server('ceph', 'up')).trim();
    await world.secret('ceph', { key });
    await world.secret('ceph-wrong', { key: 'AQAAAAAAAAAAABAAAAAAAAAAAAAAAAAAAAAAAA==' });
  });

  test('is mounted for a moment and measured; the key is nowhere', async () => {
    await world.create('ceph', cephfs());
    const { status } = await world.untilPhase('ceph', 'Online');
    assert.match(status?.message ?? '', /1 of 1 monitors answer; .* can be mounted/);
    assert.equal(await world.trials(), '');
    assert.equal(
      (await world.host.machine.run('ls /run/poolkeeper 2>/dev/null || true')).trim(),
      '',
    );
  });

  test('a path that is not there, a wrong key, no monitor: each told', async () => {
    await world.create('ceph-path', cephfs({ path: '/nothing' }));
    const path = await world.untilPhase('ceph-path', 'Error');
    assert.equal(readyOf(path)?.reason, 'NotExported');
    await world.create('ceph-key', {
      ...cephfs(),
      credentialsSecretRef: { name: 'ceph-wrong' },
    });
    const isBad = ({ status }: StorageBackend) =>
      ['Error', 'Offline'].includes(status?.phase ?? '');
    const key = await world.until('ceph-key', 'is told', isBad);
    assert.match(key.status?.message ?? '', /can't mount it/);
    await world.create('ceph-monitor', cephfs({ monitors: [`${ADDRESS}:3301`] }));
    const monitor = await world.untilPhase('ceph-monitor', 'Offline');
    assert.equal(readyOf(monitor)?.reason, 'ConnectionRefused');
  });
});
