import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aFakeCloud, codeOf } from './testing/fake-cloud.ts';
import { aDisk, aMachine, diskPath, vmPath } from './testing/machines.ts';

describe('throttling', () => {
  it('tells what is left in every bucket', () => {
    const { send } = aFakeCloud();
    const disk = send('PUT', diskPath('one'), aDisk());
    assert.equal(disk.headers['x-ms-ratelimit-remaining-subscription-writes'], '199');
    assert.equal(disk.headers['x-ms-ratelimit-remaining-subscription-global-writes'], '2999');
    const machine = send('PUT', vmPath(), aMachine());
    assert.equal(
      machine.headers['x-ms-ratelimit-remaining-resource'],
      'Microsoft.Compute/PutVMSubscriptionMaximum;1499,Microsoft.Compute/PutVMResource;11',
    );
  });

  it('bites per machine first: twelve writes, then four a minute', async () => {
    const { send, run, clock } = aFakeCloud();
    await run('PUT', vmPath(), aMachine());
    for (let write = 0; write < 12; write++) {
      assert.equal(send('PATCH', vmPath(), { tags: { write: String(write) } }).status, 200);
      await clock.advance(3000);
    }
    // 36 seconds have given back two of the twelve.
    for (let write = 0; write < 2; write++) {
      send('PATCH', vmPath(), { tags: { more: String(write) } });
      await clock.advance(3000);
    }
    const refused = send('PATCH', vmPath(), { tags: {} });
    assert.deepEqual([refused.status, codeOf(refused)], [429, 'TooManyRequests']);
    const waitSeconds = Number(refused.headers['retry-after']);
    assert.ok(waitSeconds > 1 && waitSeconds <= 30, `${waitSeconds}`);
    assert.equal(send('PATCH', vmPath('other'), { tags: {} }).status, 404);
    await clock.advance(waitSeconds * 1000);
    assert.equal(send('PATCH', vmPath(), { tags: {} }).status, 200);
  });

  it('counts refused calls too, so that hammering makes the wait longer', () => {
    const { send } = aFakeCloud();
    send('PUT', vmPath(), aMachine());
    const waits: number[] = [];
    for (let poll = 0; poll < 50; poll++) {
      const answer = send('GET', vmPath());
      if (answer.status === 429) waits.push(Number(answer.headers['retry-after']));
    }
    assert.ok(waits.length > 5);
    assert.ok(waits.at(-1)! > waits[0]!);
  });

  it('charges polls to the machine they are about', () => {
    const { send } = aFakeCloud();
    const created = send('PUT', vmPath(), aMachine());
    const url = new URL(created.headers['azure-asyncoperation']!);
    const poll = send('GET', url.pathname + url.search);
    assert.match(
      poll.headers['x-ms-ratelimit-remaining-resource']!,
      /GetOperationSubscriptionMaximum;14999,Microsoft.Compute\/GetOperationResource;44/,
    );
  });

  it('stands at the front door as well', () => {
    const { send } = aFakeCloud();
    const statuses: number[] = [];
    for (let write = 0; write < 201; write++)
      statuses.push(send('PATCH', diskPath('none'), { tags: {} }).status);
    assert.equal(statuses[199], 404);
    assert.equal(statuses[200], 429);
  });

  it('can be scaled and switched off', () => {
    const off = aFakeCloud({ throttling: { enabled: false } });
    for (let call = 0; call < 300; call++)
      assert.equal(off.send('PATCH', diskPath('none'), { tags: {} }).status, 404);
    const tight = aFakeCloud({ throttling: { scale: 0.01 } });
    assert.equal(tight.send('PATCH', diskPath('none'), { tags: {} }).status, 404);
    assert.equal(tight.send('PATCH', diskPath('none'), { tags: {} }).status, 404);
    assert.equal(tight.send('PATCH', diskPath('none'), { tags: {} }).status, 429);
  });
});
