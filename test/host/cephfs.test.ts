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

test('a monitor may be named: the mount is known for ours all the same', async () => {
  const { machine } = world;
  await machine.run('cp /etc/hosts /run/hosts; echo 10.77.0.1 mon.example >> /run/hosts');
  await machine.run('mount --bind /run/hosts /etc/hosts');
  await world.create('named', cephfs('right', { monitors: ['mon.example:6789'] }));
  const { status } = await world.untilPhase('named', 'Active');
  await world.remove('named');
  assert.equal((await machine.try(`findmnt ${status!.mountPath}`)).status, 1);
});

const refusals: Record<string, { spec: () => object; says: RegExp }> = {
  'a wrong key': { spec: () => cephfs('wrong'), says: /user or key/ },
  'a path that is not there': {
    spec: () => cephfs('right', { path: '/no-such-directory' }),
    says: /no such path/,
  },
  'a filesystem that is not there': {
    spec: () => cephfs('right', { filesystemName: 'other' }),
    says: /filesystem/,
  },
  'a user who is not there': {
    spec: () => cephfs('right', { user: 'nobody' }),
    says: /user or key/,
  },
  'no credentials at all': {
    spec: () => cephfs('right', { credentialsSecretRef: undefined, user: 'nobody' }),
    says: /wants a key/,
  },
};

for (const [sentence, { spec, says }] of Object.entries(refusals))
  test(`refused in words: ${sentence}`, async () => {
    await world.create('refused', spec());
    const refused = await world.until('refused', 'Failed', (one) => one.status?.phase === 'Failed');
    const said = refused.status!.conditions.find(({ type }) => type === 'Ready')!.message;
    await world.remove('refused');
    assert.match(said, says);
  });
