// CephFS pools against a real cluster (one monitor, one disk in memory) and the kernel's client.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { HostWorld, nodeName } from './world.ts';

let world: HostWorld;
let key: string;
before(async () => {
  world = await HostWorld.boot({
    credentials: true,
    memoryMebibytes: 2560,
    packages: ['ceph-mon', 'ceph-osd', 'ceph-mds', 'ceph-common'],
  });
  key = (await world.server('ceph', 'up')).trim();
  await world.startAgent();
  for (const [name, value] of Object.entries({ right: key, wrong: wrongKey }))
    await world.client.post('/api/v1/namespaces/default/secrets', {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name },
      stringData: { key: value },
    });
});
after(() => world?.close());

const wrongKey = 'AQBvmMVmAAAAABAAlxfPXZ+Pe0Zw1uS0Zn0mqg==';

function cephfs(secret: string, more: object = {}): object {
  const credentialsSecretRef = { name: secret };
  const cluster = {
    monitors: ['10.77.0.1:6789'],
    filesystemName: 'cephfs',
    path: '/',
    user: 'admin',
  };
  const nodeSelector = { 'kubernetes.io/hostname': nodeName };
  return { type: 'cephfs', cephfs: { ...cluster, credentialsSecretRef, ...more }, nodeSelector };
}

test('a filesystem is mounted with its key, and let go of again', async () => {
  await world.create('shared', cephfs('right'));
  const { status } = await world.untilPhase('shared', 'Active');
  const { machine } = world;
  const found = await machine.run(`findmnt -n -o FSTYPE,OPTIONS ${status!.mountPath}`);
  assert.match(found, /^ceph /);
  await machine.run(`echo precious > ${status!.mountPath}/file; sync`);
  assert.ok(!JSON.stringify(await world.mount('shared')).includes(key));
  await world.remove('shared');
  assert.equal((await machine.try(`findmnt ${status!.mountPath}`)).status, 1);
  const left = await machine.try(`grep -rl '${key}' /run/poolkeeper /var/lib/poolkeeper`);
  assert.equal(left.stdout, '');
});

test('a wrong key, and a path that is not there, are refused in words', async () => {
  await world.create('refused', cephfs('wrong'));
  const denied = await world.until('refused', 'Failed', ({ status }) => status?.phase === 'Failed');
  const said = denied.status!.conditions.find(({ type }) => type === 'Ready')!.message;
  assert.match(said, /CephFS mount failed on node-1: /);
  await world.remove('refused');
  await world.create('refused', cephfs('right', { path: '/no-such-directory' }));
  await world.untilRefused('refused', 'NotExported');
  await world.remove('refused');
});
