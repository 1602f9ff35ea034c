// iSCSI pools against a real target and the real initiator: CHAP right and wrong, the blank gate on the
// unit, data that stays.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { HostWorld, nodeName } from './world.ts';

const portal = '10.77.0.1:3260';
const target = (name: string): string => `iqn.2026-01.com.example:${name}`;
const password = 'correct-horse-battery';
const targetPassword = 'target-horse-battery';
let world: HostWorld;

before(async () => {
  world = await HostWorld.boot({ credentials: true, memoryMebibytes: 1536 });
  await world.server('iscsi', 'up');
  await world.server('iscsi', 'target', '1', target('open'), 'LUN-A1', '128');
  await world.server('iscsi', 'target', '2', target('closed'), 'LUN-B2', '128');
  await world.server('iscsi', 'chap', '2', 'node', password);
  await world.server('iscsi', 'target', '3', target('mutual'), 'LUN-C3', '64');
  await world.server('iscsi', 'chap', '3', 'other', `${password}-3`);
  await world.server('iscsi', 'mutual', '3', 'target', targetPassword);
  await world.startAgent();
});
after(() => world?.close());

function iscsi(name: string, more: object = {}): object {
  return { type: 'iscsi', iscsi: { nodeName, portal, target: target(name), lun: 1, ...more } };
}

async function secret(name: string, values: Record<string, string>): Promise<void> {
  const path = '/api/v1/namespaces/default/secrets';
  const body = { apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData: values };
  await world.client.post(path, body);
}

test('a blank unit is logged in to, formatted and mounted; retained, its data comes back', async () => {
  await world.create('lun', iscsi('open'));
  const { status } = await world.untilPhase('lun', 'Active');
  await world.machine.run(`echo precious > ${status!.mountPath}/file`);
  await world.remove('lun');
  assert.equal((await world.machine.try('iscsiadm -m session')).status, 21, 'logged out');
  assert.equal((await world.machine.try('iscsiadm -m node')).status, 21, 'no record is left');
  await world.create('lun', iscsi('open'));
  const { status: again } = await world.untilPhase('lun', 'Active');
  assert.equal(await world.machine.run(`cat ${again!.mountPath}/file`), 'precious\n');
  await world.remove('lun');
});

test('a unit with another filesystem is refused, and logged out of in the end', async () => {
  await world.create('other', iscsi('open', { filesystem: 'xfs' }));
  const pool = await world.until('other', 'refused', ({ status }) => status?.phase === 'Failed');
  const ready = pool.status!.conditions.find(({ type }) => type === 'Ready');
  assert.match(ready!.message, /ext4/);
  await world.remove('other');
  assert.equal((await world.machine.try('iscsiadm -m session')).status, 21);
});

test('CHAP without, with wrong, and with right credentials', async () => {
  await world.create('chap', iscsi('closed'));
  await world.untilRefused('chap', 'AuthenticationFailed');
  await world.remove('chap');
  await secret('wrong', { username: 'node', password: 'wrong-horse-battery' });
  await world.create('chap', iscsi('closed', { credentialsSecretRef: { name: 'wrong' } }));
  assert.match(
    await world.untilRefused('chap', 'AuthenticationFailed'),
    /the target refused the login; check the Secret/,
  );
  await world.remove('chap');
  await secret('right', { username: 'node', password });
  await world.create('chap', iscsi('closed', { credentialsSecretRef: { name: 'right' } }));
  await world.untilPhase('chap', 'Active');
});

test('the passwords are nowhere: not in any object, log, or the agent’s own directory', async () => {
  const seen = [
    JSON.stringify(await world.pool('chap')),
    JSON.stringify(await world.mount('chap')),
    JSON.stringify(await world.node()),
    world.agentLog().join('\n'),
    await world.machine.run('cat /var/lib/poolkeeper/journal/*'),
  ];
  const { directory } = world.machine;
  for (const name of readdirSync(directory).filter((one) => one.endsWith('.log')))
    seen.push(readFileSync(join(directory, name), 'utf8'));
  for (const text of seen) assert.doesNotMatch(text, /horse-battery/);
  await world.remove('chap');
  const left = await world.machine.try('grep -r horse-battery /etc/iscsi /var/lib/iscsi');
  assert.notEqual(left.status, 0, left.output);
});

test('a target that proves itself is logged in to, one that can not is not', async () => {
  const own = { username: 'other', password: `${password}-3`, mutualUsername: 'target' };
  await secret('deceived', { ...own, mutualPassword: 'wrong-horse-battery' });
  await secret('mutual', { ...own, mutualPassword: targetPassword });
  await world.create('mutual', iscsi('mutual', { credentialsSecretRef: { name: 'deceived' } }));
  await world.untilRefused('mutual', 'AuthenticationFailed');
  await world.remove('mutual');
  await world.create('mutual', iscsi('mutual', { credentialsSecretRef: { name: 'mutual' } }));
  await world.untilPhase('mutual', 'Active');
  const seen = [await world.machine.run('cat /var/lib/poolkeeper/journal/*')];
  seen.push(JSON.stringify(await world.mount('mutual')), world.agentLog().join('\n'));
  for (const text of seen) assert.doesNotMatch(text, /horse-battery/);
});

test('deleted while its target is dead: unmounted, and said what became of the session', async () => {
  const { status } = await world.untilPhase('mutual', 'Active');
  await world.server('iscsi', 'kill');
  await world.untilPhase('mutual', 'Unknown');
  await world.remove('mutual');
  assert.equal((await world.machine.try(`findmnt ${status!.mountPath}`)).status, 1);
  assert.equal((await world.machine.try('iscsiadm -m node')).status, 21, 'no record is left');
});
