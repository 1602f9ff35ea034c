import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FaultEffect } from './faults.ts';
import { aFakeCloud, codeOf, propertiesOf } from './testing/fake-cloud.ts';
import { aDisk, aMachine, diskPath, stateOf, vmPath } from './testing/machines.ts';

describe('faults', () => {
  it('refuse a call as often as ordered, for the name ordered, and apply nothing', () => {
    const { azure, send } = aFakeCloud();
    azure.faults.add({
      match: { operation: 'disks.*', name: 'bad-*' },
      skip: 1,
      times: 2,
      effect: { type: 'error', status: 503, code: 'ServiceUnavailable', retryAfterSeconds: 7 },
    });
    const statuses = ['good-1', 'bad-1', 'bad-2', 'bad-3', 'bad-4'].map((name) => {
      return send('PUT', diskPath(name), aDisk()).status;
    });
    assert.deepEqual(statuses, [202, 202, 503, 503, 202]);
    assert.equal(send('GET', diskPath('bad-2')).status, 404);
  });

  it('may last for a time', async () => {
    const { azure, send, clock } = aFakeCloud();
    azure.faults.add({
      match: { operation: '*' },
      forSeconds: 60,
      effect: { type: 'error', status: 429, code: 'TooManyRequests', retryAfterSeconds: 5 },
    });
    const refused = send('GET', diskPath('one'));
    assert.deepEqual([refused.status, refused.headers['retry-after']], [429, '5']);
    await clock.advance(60_000);
    assert.equal(send('GET', diskPath('one')).status, 404);
  });

  it('drop the connection with the work done, or not done', () => {
    const { azure, send } = aFakeCloud();
    for (const applied of [true, false]) {
      azure.faults.add({
        match: { operation: 'disks.createOrUpdate' },
        times: 1,
        effect: { type: 'timeout', applied },
      });
      const answer = send('PUT', diskPath(`applied-${applied}`), aDisk());
      assert.equal(answer.dropConnection, true);
      assert.equal(send('GET', diskPath(`applied-${applied}`)).status, applied ? 200 : 404);
    }
  });

  it("lose the operation's URL while the work goes on", async () => {
    const { azure, send, clock } = aFakeCloud();
    azure.faults.add({
      match: { operation: 'virtualMachines.createOrUpdate' },
      effect: { type: 'loseOperation' },
    });
    const url = new URL(send('PUT', vmPath(), aMachine()).headers['azure-asyncoperation']!);
    assert.equal(send('GET', url.pathname + url.search).status, 404);
    await clock.advance(60_000);
    assert.equal(stateOf(send('GET', vmPath())), 'Succeeded');
  });

  it('leave a resource Creating for ever', async () => {
    const { azure, send, clock } = aFakeCloud();
    azure.faults.add({
      match: { operation: 'virtualMachines.createOrUpdate' },
      effect: { type: 'stuckOperation' },
    });
    send('PUT', vmPath(), aMachine());
    await clock.advance(24 * 3600_000);
    assert.equal(stateOf(send('GET', vmPath())), 'Creating');
  });

  it('hide what was created and keep showing what was deleted', async () => {
    const { azure, send, clock } = aFakeCloud();
    const order = (operation: string, effect: FaultEffect): void => {
      azure.faults.add({ match: { operation }, times: 1, effect });
    };
    order('disks.createOrUpdate', { type: 'hideAfterCreate', forSeconds: 30 });
    order('disks.delete', { type: 'lingerAfterDelete', forSeconds: 30 });
    send('PUT', diskPath('one'), aDisk());
    await clock.advance(10_000);
    assert.equal(send('GET', diskPath('one')).status, 404);
    await clock.advance(20_000);
    assert.equal(send('GET', diskPath('one')).status, 200);
    send('DELETE', diskPath('one'));
    await clock.advance(10_000);
    const ghost = send('GET', diskPath('one'));
    assert.equal(propertiesOf(ghost)['provisioningState'], 'Deleting');
    await clock.advance(30_000);
    assert.equal(send('GET', diskPath('one')).status, 404);
  });

  it('turn what had succeeded into Failed later', async () => {
    const { azure, send, run, clock } = aFakeCloud();
    azure.faults.add({
      match: { operation: 'virtualMachines.createOrUpdate' },
      effect: { type: 'failLater', afterSeconds: 3600 },
    });
    assert.equal((await run('PUT', vmPath(), aMachine()))['status'], 'Succeeded');
    assert.equal(stateOf(send('GET', vmPath())), 'Succeeded');
    await clock.advance(3600_000);
    assert.equal(stateOf(send('GET', vmPath())), 'Failed');
  });

  it('slow operations down', async () => {
    const { azure, send, clock } = aFakeCloud();
    azure.faults.add({
      match: { operation: 'virtualMachines.createOrUpdate' },
      effect: { type: 'slowOperation', factor: 10 },
    });
    send('PUT', vmPath(), aMachine());
    await clock.advance(200_000);
    assert.equal(stateOf(send('GET', vmPath())), 'Creating');
    await clock.advance(200_000);
    assert.equal(stateOf(send('GET', vmPath())), 'Succeeded');
  });
});

describe('operation URLs', () => {
  it('are long, signed, and forgotten after a while', async () => {
    const { send, clock } = aFakeCloud();
    const created = send('PUT', diskPath('one'), aDisk());
    const url = new URL(created.headers['azure-asyncoperation']!);
    assert.ok(url.href.length > 2500);
    assert.equal(send('GET', url.pathname).status, 403);
    await clock.advance(7 * 3600_000);
    const gone = send('GET', url.pathname + url.search);
    assert.deepEqual([gone.status, codeOf(gone)], [404, 'NotFound']);
  });

  it('carry hints that shrink with the speed and vanish when there is nothing to wait for', () => {
    const hintAt = (speed: number): string | undefined =>
      aFakeCloud({ speed }).send('PUT', diskPath('one'), aDisk()).headers['retry-after'];
    assert.deepEqual([hintAt(1), hintAt(2), hintAt(50)], ['2', '1', undefined]);
  });
});
