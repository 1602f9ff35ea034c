import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aPoolInstance, aPoolVolume } from '../../test/builders/members.ts';
import { uidOf } from '../../test/builders/metadata.ts';
import { cloudName, slotName } from './names.ts';
import { machineName } from './pool-instance.ts';
import { diskName } from './pool-volume.ts';

test('a slot is named after its pool and place, a cloud resource after its record', () => {
  assert.equal(slotName('boxes', 7), 'boxes-7');
  const uid = uidOf('somebody');
  assert.equal(cloudName('instance', uid), `pkvm-${uid}`);
  assert.equal(cloudName('volume', uid), `pkvol-${uid}`);
});

test('the record of a former slot names another resource: a late delete cannot hit its successor', () => {
  const [former, successor] = ['one', 'two'].map((uid) => aPoolVolume({ metadata: { uid } }));
  assert.equal(former?.metadata.name, successor?.metadata.name);
  assert.notEqual(diskName(former!), diskName(successor!));
});

test('what was found without a record keeps its name; names fit what Azure allows', () => {
  const adopt = { name: 'found', resourceId: '/subscriptions/s' };
  assert.equal(machineName(aPoolInstance({ spec: { adopt } })), 'found');
  assert.equal(diskName(aPoolVolume({ spec: { adopt } })), 'found');
  assert.ok(machineName(aPoolInstance()).length <= 64);
});
