// Storage backends probed by the agent of a node with a real kernel: NFS with and without a port mapper,
// iSCSI with CHAP. Each failure has its own words, and nothing stays mounted or attached.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ADDRESS, BackendWorld, readyOf } from './backend-world.ts';

let world: BackendWorld;

before(async () => {
  world = await BackendWorld.start();
});
after(() => world?.host.close());

describe('NFS without a port mapper', () => {
  const nfs = (exportPath: string, more: object = {}) => ({
    type: 'nfs',
    nfs: { server: ADDRESS, exportPath, ...more },
  });

  before(async () => {
    await world.host.server('nfs', 'up');
    await world.host.server('nfs', 'export', 'data', 'rw');
    await world.host.server('nfs', 'deny', 'secret');
  });

  test('is mounted for a moment and measured; nothing of it stays', async () => {
    await world.create('nfs', nfs('/srv/data'));
    const { status } = await world.untilPhase('nfs', 'Online');
    assert.ok((status?.totalBytes ?? 0) > 0);
    assert.ok((status?.fileCount ?? -1) >= 0);
    assert.deepEqual(
      status?.checks.map(({ name, result }) => `${name} ${result}`),
      ['DNS Passed', 'TCP Passed', 'Protocol Passed', 'Mount Passed', 'Capacity Passed'],
    );
    assert.equal(await world.trials(), '');
  });

  const wrong: Record<string, { spec: object; reason: string; words: RegExp }> = {
    'a path that is not exported': {
      spec: nfs('/srv/nothing'),
      reason: 'NotExported',
      words: /the server does not export this path to this node/,
    },
    'an export for others, which version 4 hides': {
      spec: nfs('/srv/secret'),
      reason: 'NotExported',
      words: /does not export this path to this node; check .* their client lists/,
    },
    'version 3 without a port mapper': {
      spec: nfs('/srv/data', { version: '3' }),
      reason: 'ConnectionRefused',
      words: /10.77.0.1:111 refused the connection/,
    },
    'a machine that is not there': {
      spec: { type: 'nfs', nfs: { server: '10.77.0.9', exportPath: '/srv/data' } },
      reason: 'ConnectionTimedOut',
      words: /there is no way to 10.77.0.9|nothing accepted the connection/,
    },
    'a name that nobody knows': {
      spec: { type: 'nfs', nfs: { server: 'nobody.invalid', exportPath: '/srv/data' } },
      reason: 'NameNotResolved',
      words: /nobody.invalid/,
    },
  };
  for (const [index, [what, { spec, reason, words }]] of Object.entries(wrong).entries()) {
    test(`is told: ${what}`, async () => {
      const name = `nfs-wrong-${index}`;
      await world.create(name, spec);
      const seen = await world.untilReason(name, reason);
      assert.match(readyOf(seen)?.message ?? '', words);
      await world.delete(name);
    });
  }

  test('that dies is Offline, and back is Online; the agent lives', async () => {
    await world.host.server('nfs', 'kill');
    await world.askAgain('nfs', 'dead');
    await world.untilPhase('nfs', 'Offline');
    assert.equal((await world.get('nfs'))?.status?.totalBytes, undefined);
    await world.host.server('nfs', 'revive');
    await world.askAgain('nfs', 'alive');
    await world.untilPhase('nfs', 'Online');
    assert.equal(await world.trials(), '');
  });
});

describe('NFS 3 with a port mapper', () => {
  const nfs = (exportPath: string) => ({
    type: 'nfs',
    nfs: { server: ADDRESS, exportPath, version: '3', options: ['nolock'] },
  });

  before(async () => {
    await world.host.machine.run('rpc.nfsd 0; pkill -x rpc.mountd; exportfs -ua; true');
    await world.host.server('nfs', 'up', '3');
    await world.host.server('nfs', 'export', 'data', 'rw');
    await world.host.server('nfs', 'deny', 'secret');
  });

  test('is found by way of the port mapper, mounted and measured', async () => {
    await world.create('nfs3', nfs('/srv/data'));
    const { status } = await world.untilPhase('nfs3', 'Online');
    assert.match(status?.message ?? '', /speaks NFS 3/);
    assert.equal(await world.trials(), '');
  });

  test('an export for others is refused, and the words say so', async () => {
    await world.create('nfs3-denied', nfs('/srv/secret'));
    const seen = await world.untilReason('nfs3-denied', 'AccessDenied');
    assert.match(readyOf(seen)?.message ?? '', /check the export's client list/);
  });
});

describe('iSCSI', () => {
  const target = 'iqn.2026-01.com.example:probed';
  const iscsi = (more: object = {}) => ({
    type: 'iscsi',
    iscsi: { portal: `${ADDRESS}:3260`, target, lun: 1, ...more },
  });
  const chap = { authentication: 'CHAP' };

  before(async () => {
    await world.host.server('iscsi', 'up');
    await world.host.server('iscsi', 'target', '1', target, 'probed', '64');
  });

  test('a unit is measured and does not become a disk of the node', async () => {
    const disks = await world.host.machine.run('ls /sys/block | sort');
    await world.create('iscsi', iscsi());
    const { status } = await world.untilPhase('iscsi', 'Online');
    assert.equal(status?.totalBytes, 64 * 1024 * 1024);
    assert.equal(await world.host.machine.run('ls /sys/block | sort'), disks);
    assert.match(
      await world.host.machine.run('iscsiadm -m session 2>&1 || true'),
      /No active sessions/,
    );
  });

  test('a unit and a target that are not there are told', async () => {
    await world.create('iscsi-lun', iscsi({ lun: 9 }));
    await world.untilPhase('iscsi-lun', 'Error');
    assert.match((await world.get('iscsi-lun'))?.status?.message ?? '', /the target has no unit 9/);
    await world.create('iscsi-target', iscsi({ target: 'iqn.2026-01.com.example:other' }));
    const { status } = await world.untilPhase('iscsi-target', 'Error');
    assert.match(status?.message ?? '', /has no target .*:other; it offers .*:probed/);
  });

  test('CHAP: wanted, wrong, right', async () => {
    await world.host.server('iscsi', 'chap', '1', 'joe', 'secretsecret12');
    const without = await world.askAgain('iscsi', 'chap');
    assert.match(without.status?.message ?? '', /refuses a login without CHAP/);
    await world.secret('chap-wrong', { username: 'joe', password: 'wrongwrong12' });
    await world.create('chap-wrong', {
      ...iscsi(chap),
      credentialsSecretRef: { name: 'chap-wrong' },
    });
    const wrong = await world.untilPhase('chap-wrong', 'Error');
    assert.equal(readyOf(wrong)?.reason, 'AuthenticationFailed');
    await world.secret('chap-right', { username: 'joe', password: 'secretsecret12' });
    await world.create('chap-right', {
      ...iscsi(chap),
      credentialsSecretRef: { name: 'chap-right' },
    });
    const right = await world.untilPhase('chap-right', 'Online');
    const authenticated = right.status?.conditions.find(({ type }) => type === 'Authenticated');
    assert.equal(authenticated?.status, 'True');
    assert.ok(!world.host.agentLog().join('').includes('secretsecret12'));
  });

  test('a dead portal is Offline', async () => {
    await world.host.server('iscsi', 'kill');
    await world.askAgain('chap-right', 'dead');
    const { status } = await world.untilPhase('chap-right', 'Offline');
    assert.match(status?.message ?? '', /refused the connection/);
  });
});
