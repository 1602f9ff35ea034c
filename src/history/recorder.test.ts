import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PoolkeeperError } from '../runtime/errors.ts';
import { FakeClock, settle } from '../runtime/fake-clock.ts';
import { createRuntime } from '../runtime/index.ts';
import { seededRandom } from '../runtime/random.ts';
import type { HistoryEvent, HistoryStore, KeptEvent } from './port.ts';
import { createHistoryRecorder } from './recorder.ts';

function anEvent(overrides: Partial<HistoryEvent> = {}): HistoryEvent {
  return {
    time: Date.UTC(2026, 0, 1),
    event: 'Transition',
    kind: 'PoolInstance',
    namespace: 'dev',
    pool: 'boxes',
    name: 'boxes-0',
    uid: 'uid-0',
    what: 'Free',
    because: 'verified',
    ...overrides,
  };
}

/** A store that answers as told; by default it takes everything. */
function aWorld(options: { maxQueued?: number } = {}) {
  const clock = new FakeClock();
  const runtime = createRuntime({ clock, random: seededRandom(1) });
  const batches: (readonly KeptEvent[])[] = [];
  const world = {
    clock,
    runtime,
    batches,
    answer: async (_signal: AbortSignal): Promise<void> => {},
    names: () => batches.flatMap((batch) => batch.map(({ event }) => event.name)),
    metric: async (name: string) =>
      (await runtime.metrics.expose()).split('\n').filter((line) => line.startsWith(name)),
  };
  const store: HistoryStore = {
    write: async (events, signal) => {
      await world.answer(signal);
      batches.push(events);
    },
    read: async () => [],
  };
  const recorder = createHistoryRecorder({ runtime, store, ...options });
  return { ...world, world, recorder };
}

describe('the history recorder', () => {
  it('gathers events for a moment and writes them together, in order', async () => {
    const { recorder, clock, batches, names } = aWorld();
    recorder.record(anEvent({ name: 'a' }));
    recorder.record(anEvent({ name: 'b' }));
    assert.equal(batches.length, 0, 'record returns before anything is written');
    await clock.advance(2000);
    assert.equal(batches.length, 1);
    assert.deepEqual(names(), ['a', 'b']);
  });

  it('writes no more than a transaction takes at a time', async () => {
    const { recorder, clock, batches } = aWorld();
    for (let count = 0; count < 250; count++) recorder.record(anEvent());
    await clock.advance(2000);
    assert.deepEqual(
      batches.map((batch) => batch.length),
      [100, 100, 50],
    );
  });

  it('tries again with the same keys after growing pauses while the store is away', async () => {
    const { recorder, clock, world, batches, names } = aWorld();
    let attempts = 0;
    world.answer = async () => {
      if (++attempts <= 3) throw new Error('connection refused');
    };
    recorder.record(anEvent({ name: 'a' }));
    await clock.advance(2000);
    assert.equal(attempts, 1);
    await clock.advance(60_000);
    assert.equal(attempts, 4);
    assert.deepEqual(names(), ['a']);
    assert.equal(batches[0]?.[0]?.id.length, 12);
  });

  it('drops the oldest and counts them when the queue is full', async () => {
    const { recorder, clock, world, names, metric } = aWorld({ maxQueued: 3 });
    let away = true;
    world.answer = async () => {
      if (away) throw new Error('away');
    };
    for (const name of ['a', 'b', 'c', 'd', 'e']) recorder.record(anEvent({ name }));
    await clock.advance(2000);
    away = false;
    await clock.advance(60_000);
    assert.deepEqual(names(), ['c', 'd', 'e']);
    assert.deepEqual(await metric('poolkeeper_history_dropped_total'), [
      'poolkeeper_history_dropped_total{cause="queue"} 2',
    ]);
  });

  it('gives up on a store that never answers, and loses nothing by it', async () => {
    const { recorder, clock, world, names } = aWorld();
    let attempts = 0;
    world.answer = (signal) =>
      ++attempts > 1
        ? Promise.resolve()
        : new Promise((_, reject) => {
            signal.addEventListener('abort', () => reject(new Error('timed out')));
          });
    recorder.record(anEvent({ name: 'a' }));
    await clock.advance(11_000);
    assert.deepEqual(names(), []);
    await clock.advance(10_000);
    assert.deepEqual(names(), ['a']);
  });

  it('lets go of what the store refuses for good, so that later events get through', async () => {
    const { recorder, clock, world, names, metric } = aWorld();
    let attempts = 0;
    world.answer = async () => {
      if (++attempts === 1) throw new PoolkeeperError('Invalid', 'too large', { retry: 'never' });
    };
    recorder.record(anEvent({ name: 'a' }));
    await clock.advance(2000);
    recorder.record(anEvent({ name: 'b' }));
    await clock.advance(2000);
    assert.deepEqual(names(), ['b']);
    assert.deepEqual(await metric('poolkeeper_history_dropped_total'), [
      'poolkeeper_history_dropped_total{cause="refused"} 1',
    ]);
  });

  it('writes what is queued when it closes', async () => {
    const { recorder, names } = aWorld();
    recorder.record(anEvent({ name: 'a' }));
    await recorder.close();
    assert.deepEqual(names(), ['a']);
  });

  it('closes in seconds even when the store hangs', async () => {
    const { recorder, clock, world } = aWorld();
    world.answer = () => new Promise(() => {});
    recorder.record(anEvent());
    const closed = recorder.close();
    await settle();
    await clock.advance(5000);
    await closed;
  });
});
