import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock, settle } from '../runtime/fake-clock.ts';
import { createRuntime } from '../runtime/index.ts';
import { seededRandom } from '../runtime/random.ts';
import { ApiError, UnreachableError } from './errors.ts';
import { runLeaderElection } from './leader-election.ts';
import type { LeaseRecord, LeaseStore, StoredLease } from './lease-store.ts';

/** One lease, and a switch for each client that cuts it off. */
class SharedLease {
  stored: StoredLease | undefined;
  writes = 0;
  #version = 0;

  clientFor(reachable: () => boolean): LeaseStore {
    const call = <R>(work: () => R): Promise<R> =>
      reachable()
        ? Promise.resolve().then(work)
        : Promise.reject(new UnreachableError('no route', { sent: true }));
    return {
      get: () => call(() => this.stored),
      create: (record) =>
        call(() => {
          if (this.stored)
            throw new ApiError({ status: 409, call: 'POST', body: { reason: 'AlreadyExists' } });
          return this.#write(record);
        }),
      update: (record, resourceVersion) =>
        call(() => {
          if (this.stored?.resourceVersion !== resourceVersion)
            throw new ApiError({ status: 409, call: 'PUT' });
          return this.#write(record);
        }),
    };
  }

  #write(record: LeaseRecord): StoredLease {
    this.writes++;
    this.stored = { record, resourceVersion: String(++this.#version) };
    return this.stored;
  }
}

function anElector(
  identity: string,
  lease: SharedLease,
  clock: FakeClock,
  options: { wallClockOffset?: number } = {},
) {
  const state = { reachable: true, history: [] as string[] };
  const skewed = {
    monotonic: () => clock.monotonic(),
    now: () => clock.now() + (options.wallClockOffset ?? 0),
    schedule: (delay: number, callback: () => void) => clock.schedule(delay, callback),
  };
  const runtime = createRuntime({ clock: skewed, random: seededRandom(identity.length) });
  const elector = runLeaderElection({
    runtime,
    leases: lease.clientFor(() => state.reachable),
    name: 'poolkeeper',
    identity,
    onStartedLeading: () => state.history.push('started'),
    onStoppedLeading: (cause) => state.history.push(cause),
  });
  return { elector, state };
}

test('the first to ask leads, the other waits', async () => {
  const lease = new SharedLease();
  const clock = new FakeClock();
  const one = anElector('one', lease, clock);
  await settle();
  const two = anElector('two', lease, clock);
  await clock.advance(120_000);
  assert.equal(one.elector.isLeader(), true);
  assert.equal(two.elector.isLeader(), false);
  assert.equal(two.elector.leader(), 'one');
  assert.equal(lease.stored?.record.leaseTransitions, 0);
  assert.match(lease.stored!.record.renewTime, /\.\d{6}Z$/);
});

test('a leader that stops gives the lease back and another takes over within two seconds', async () => {
  const lease = new SharedLease();
  const clock = new FakeClock();
  const one = anElector('one', lease, clock);
  await settle();
  const two = anElector('two', lease, clock);
  await clock.advance(10_000);
  await one.elector.stop();
  assert.equal(lease.stored?.record.holderIdentity, '');
  assert.equal(lease.stored?.record.leaseDurationSeconds, 1);
  await clock.advance(2400);
  assert.equal(two.elector.isLeader(), true);
  assert.equal(lease.stored?.record.leaseTransitions, 1);
  assert.deepEqual(one.state.history, ['started', 'released']);
});

test('one that waits and is told that the lease is free takes it at once', async () => {
  const lease = new SharedLease();
  const clock = new FakeClock();
  const one = anElector('one', lease, clock);
  await settle();
  const two = anElector('two', lease, clock);
  await clock.advance(10_000);
  two.elector.look();
  await settle();
  assert.equal(two.elector.isLeader(), false);
  await one.elector.stop();
  two.elector.look();
  await settle();
  assert.equal(two.elector.isLeader(), true);
  await two.elector.stop();
});

test('a leader that dies is replaced when its lease has run out, not before', async () => {
  const lease = new SharedLease();
  const clock = new FakeClock();
  const one = anElector('one', lease, clock);
  await clock.advance(5000);
  one.state.reachable = false;
  const cutAt = clock.monotonic();
  const two = anElector('two', lease, clock);
  let tookOverAt = 0;
  while (tookOverAt === 0 && clock.monotonic() < cutAt + 60_000) {
    await clock.advance(100);
    if (two.elector.isLeader()) tookOverAt = clock.monotonic();
  }
  assert.ok(tookOverAt - cutAt >= 13_000 && tookOverAt - cutAt <= 20_000, `${tookOverAt - cutAt}`);
});

test('a leader that cannot renew stops before anyone else may lead', async () => {
  const lease = new SharedLease();
  const clock = new FakeClock();
  const one = anElector('one', lease, clock);
  await settle();
  const two = anElector('two', lease, clock);
  await clock.advance(20_000);
  one.state.reachable = false;
  for (let step = 0; step < 400; step++) {
    await clock.advance(100);
    assert.ok(!(one.elector.isLeader() && two.elector.isLeader()), 'two leaders');
  }
  assert.deepEqual(one.state.history, ['started', 'lost']);
  assert.equal(two.elector.isLeader(), true);
});

test('a short outage costs nothing', async () => {
  const lease = new SharedLease();
  const clock = new FakeClock();
  const one = anElector('one', lease, clock);
  await clock.advance(10_000);
  one.state.reachable = false;
  await clock.advance(6000);
  one.state.reachable = true;
  await clock.advance(60_000);
  assert.equal(one.elector.isLeader(), true);
  assert.deepEqual(one.state.history, ['started']);
});

test('wall clocks that are hours apart change nothing', async () => {
  const lease = new SharedLease();
  const clock = new FakeClock();
  const one = anElector('one', lease, clock, { wallClockOffset: -3 * 3_600_000 });
  await settle();
  const two = anElector('two', lease, clock, { wallClockOffset: 3 * 3_600_000 });
  await clock.advance(120_000);
  assert.equal(one.elector.isLeader(), true);
  assert.equal(two.elector.isLeader(), false);
});

test('after a stall of the process nothing passes for leadership', async () => {
  const lease = new SharedLease();
  const clock = new FakeClock();
  const one = anElector('one', lease, clock);
  await clock.advance(4000);
  const until = one.elector.leaderUntil();
  assert.ok(until > clock.monotonic() && until <= clock.monotonic() + 10_000);
  // Time passes without a single timer or promise getting its turn.
  const stalled = clock.monotonic();
  one.state.reachable = false;
  await clock.advance(until - stalled);
  assert.equal(one.elector.isLeader(), false);
  assert.equal(one.elector.leaderUntil(), 0);
});

test('the leader renews with one write and no reads', async () => {
  const lease = new SharedLease();
  const clock = new FakeClock();
  let reads = 0;
  const client = lease.clientFor(() => true);
  runLeaderElection({
    runtime: createRuntime({ clock, random: seededRandom(1) }),
    leases: {
      ...client,
      get: () => {
        reads++;
        return client.get();
      },
    },
    name: 'poolkeeper',
    identity: 'one',
    onStartedLeading: () => {},
    onStoppedLeading: () => {},
  });
  await clock.advance(20_000);
  assert.equal(reads, 1);
  assert.equal(lease.writes, 11);
});
