import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { FakeClock } from '../runtime/fake-clock.ts';
import { createMetrics, type Metrics } from '../runtime/metrics.ts';
import type { ArmCall } from './calls.ts';
import type { CloudError } from './errors.ts';
import type { ArmAnswer } from './failures.ts';
import { Throttle } from './throttle.ts';

const subscription = 'sub-1';
const putVm = (name: string, subscriptionId = subscription): ArmCall => ({
  operation: 'virtualMachines.createOrUpdate',
  method: 'PUT',
  target: `virtualMachines/${name}`,
  subscriptionId,
});
const getVm: ArmCall = { ...putVm('a'), operation: 'virtualMachines.get', method: 'GET' };

function anAnswer(headers: Record<string, string>, status = 200, body?: unknown): ArmAnswer {
  return { status, body, header: (name) => headers[name] };
}

describe('the request budget', () => {
  let clock: FakeClock;
  let throttle: Throttle;
  let metrics: Metrics;
  beforeEach(() => {
    clock = new FakeClock();
    metrics = createMetrics();
    throttle = new Throttle(clock, metrics);
  });
  /** Milliseconds to wait, 0 when admitted. */
  const waitOf = (call: ArmCall, priority: 'claim' | 'warm-up'): number => {
    try {
      throttle.admit(call, priority);
      return 0;
    } catch (thrown) {
      assert.equal((thrown as CloudError).class, 'Throttled');
      return (thrown as CloudError).retryAfterMilliseconds ?? -1;
    }
  };

  it('closes what a 429 names until Retry-After, claims a second before warm-up', async () => {
    throttle.observe(putVm('a'), anAnswer({ 'retry-after': '10' }, 429));
    assert.equal(waitOf(putVm('b'), 'claim'), 10_000);
    assert.equal(waitOf(putVm('b'), 'warm-up'), 11_000);
    assert.equal(waitOf(getVm, 'claim'), 0, 'reads go on');
    assert.equal(waitOf(putVm('b', 'sub-2'), 'claim'), 0, 'other subscriptions go on');
    await clock.advance(10_000);
    assert.equal(waitOf(putVm('b'), 'claim'), 0);
    assert.equal(waitOf(putVm('b'), 'warm-up'), 1000);
  });

  it('closes one VM only, when that is what Azure says', () => {
    const details = [{ code: 'TooManyRequests', target: 'PutVMResource' }];
    const body = { error: { code: 'TooManyRequests', details } };
    throttle.observe(putVm('a'), anAnswer({ 'retry-after': '15' }, 429, body));
    assert.equal(waitOf(putVm('a'), 'claim'), 15_000);
    assert.equal(waitOf(putVm('b'), 'claim'), 0);
  });

  it('keeps the last fifth of the writes for claims, and counts the refill', async () => {
    throttle.observe(
      putVm('a'),
      anAnswer({ 'x-ms-ratelimit-remaining-subscription-writes': '30' }),
    );
    assert.equal(waitOf(putVm('b'), 'claim'), 0);
    assert.equal(waitOf(putVm('b'), 'warm-up'), 1100, '40 of 200 are the reserve; 29 left; 10/s');
    await clock.advance(1100);
    assert.equal(waitOf(putVm('b'), 'warm-up'), 0);
  });

  it("keeps the last writes of a VM for claims, before Azure's next answer", () => {
    const left =
      'Microsoft.Compute/PutVMResource;4,Microsoft.Compute/PutVMSubscriptionMaximum;1490';
    throttle.observe(putVm('a'), anAnswer({ 'x-ms-ratelimit-remaining-resource': left }));
    assert.equal(waitOf(putVm('a'), 'warm-up'), 0);
    assert.equal(waitOf(putVm('a'), 'warm-up'), 0);
    assert.ok(waitOf(putVm('a'), 'warm-up') > 0, '2 of 12 left');
    assert.equal(waitOf(putVm('a'), 'claim'), 0);
    assert.equal(waitOf(putVm('b'), 'warm-up'), 0, 'another VM has its own');
  });

  it('sends nothing for a claim either while no token is left, of that VM or of the subscription', async () => {
    const left =
      'Microsoft.Compute/PutVMResource;1,Microsoft.Compute/PutVMSubscriptionMaximum;1490';
    throttle.observe(putVm('a'), anAnswer({ 'x-ms-ratelimit-remaining-resource': left }));
    assert.equal(waitOf(putVm('a'), 'claim'), 0);
    assert.equal(waitOf(putVm('a'), 'claim'), 15_000, 'the next token of 4 a minute');
    assert.equal(waitOf(putVm('b'), 'claim'), 0);
    await clock.advance(15_000);
    assert.equal(waitOf(putVm('a'), 'claim'), 0);
    const header = { 'x-ms-ratelimit-remaining-subscription-reads': '0' };
    throttle.observe(getVm, anAnswer(header));
    assert.equal(waitOf(getVm, 'claim'), 40, '25 reads a second');
  });

  it('trusts what it reads of an unknown bucket for a minute', async () => {
    const header = 'x-ms-ratelimit-remaining-resource';
    throttle.observe(putVm('a'), anAnswer({ [header]: 'Microsoft.Compute/NewThing;100' }));
    throttle.observe(putVm('a'), anAnswer({ [header]: 'Microsoft.Compute/NewThing;10' }));
    assert.equal(waitOf(putVm('b'), 'warm-up'), 60_000);
    assert.equal(waitOf(putVm('b'), 'claim'), 0);
    await clock.advance(60_000);
    assert.equal(waitOf(putVm('b'), 'warm-up'), 0);
  });

  it('shows closed gates, waits and what is left of a budget, without naming VMs', async () => {
    const details = [{ code: 'TooManyRequests', target: 'PutVMResource' }];
    const body = { error: { code: 'TooManyRequests', details } };
    throttle.observe(putVm('secret-a'), anAnswer({ 'retry-after': '15' }, 429, body));
    throttle.observe(putVm('secret-b'), anAnswer({ 'retry-after': '15' }, 429, body));
    const left = { 'x-ms-ratelimit-remaining-subscription-writes': '30' };
    throttle.observe(putVm('c'), anAnswer(left));
    assert.equal(waitOf(putVm('secret-a'), 'claim'), 15_000);
    const shown = await metrics.expose();
    assert.match(shown, /poolkeeper_azure_closed_gates\{bucket="PutVMResource"\} 2/);
    assert.match(
      shown,
      /poolkeeper_azure_budget_remaining\{subscription="sub-1",bucket="subscription-writes"\} 30/,
    );
    assert.match(shown, /poolkeeper_azure_throttle_wait_seconds_sum\{.*priority="claim"\} 15/);
    assert.doesNotMatch(shown, /secret/);
    await clock.advance(15_000);
    assert.doesNotMatch(await metrics.expose(), /poolkeeper_azure_closed_gates\{/);
  });
});
