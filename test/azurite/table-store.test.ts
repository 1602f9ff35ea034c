// The history's table against the emulator that the makers of Azure Table Storage publish. Runs with
// `npm run test:azurite`, which installs the emulator first; without it these tests are skipped.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type {
  HistoryEvent,
  HistoryQuery,
  HistoryStore,
  KeptEvent,
} from '../../src/history/port.ts';
import { createHistoryRecorder } from '../../src/history/recorder.ts';
import { createTableStore } from '../../src/history/table-store.ts';
import { createRuntime } from '../../src/runtime/index.ts';
import { type Emulator, startEmulator } from './emulator.ts';

const installed = existsSync(join(import.meta.dirname, 'node_modules/azurite'));
const skip = installed ? false : 'the emulator is not installed: npm run test:azurite';

const MIDNIGHT = Date.UTC(2026, 1, 3);
const HOUR = 3_600_000;

function anEvent(overrides: Partial<HistoryEvent> = {}): HistoryEvent {
  return {
    time: MIDNIGHT,
    event: 'Transition',
    kind: 'PoolInstance',
    namespace: 'dev',
    pool: 'boxes',
    name: 'boxes-0',
    uid: '5b0f2a52-0000-4000-8000-000000000000',
    what: 'Free',
    because: "the VM runs: it's verified",
    ...overrides,
  };
}

const kept = (event: HistoryEvent, id = '00'): KeptEvent => ({ event, id });
const everything: HistoryQuery = {
  sinceMilliseconds: MIDNIGHT - 48 * HOUR,
  untilMilliseconds: MIDNIGHT + 48 * HOUR,
  limit: 1000,
};

describe('history in table storage', { skip }, () => {
  let emulator: Emulator;
  let tables = 0;
  before(async () => {
    emulator = await startEmulator();
  });
  after(() => emulator?.stop());
  const aStore = (installation = 'poolkeeper', tableName = `History${++tables}`) =>
    createTableStore({
      access: { connectionString: emulator.connectionString },
      tableName,
      installation,
    });
  const write = (store: HistoryStore, ...events: HistoryEvent[]) =>
    store.write(
      events.map((event, index) => kept(event, `${index}`.padStart(4, '0'))),
      new AbortController().signal,
    );

  it('reads nothing from a table that was never made', async () => {
    const store = await aStore();
    assert.deepEqual(await store.read(everything), []);
  });

  it('makes the table and gives back every field', async () => {
    const store = await aStore();
    const event = anEvent({
      event: 'Allocation',
      from: 'Free',
      what: 'Claimed',
      claim: 'dev/alice-box',
      seconds: 42,
      correlationId: 'b7c1',
      time: MIDNIGHT + 123,
    });
    await write(store, event);
    assert.deepEqual(await store.read(everything), [event]);
  });

  it('writing the same events again leaves one of each', async () => {
    const store = await aStore();
    await write(store, anEvent());
    await write(store, anEvent());
    assert.equal((await store.read(everything)).length, 1);
  });

  it('writes a batch that is spread over days, pools and namespaces', async () => {
    const store = await aStore();
    const events = Array.from({ length: 100 }, (_, index) =>
      anEvent({
        time: MIDNIGHT + (index - 50) * HOUR,
        pool: `pool-${index % 7}`,
        namespace: index % 2 === 0 ? 'dev' : 'ops',
        name: `m-${index}`,
      }),
    );
    await write(store, ...events);
    const read = await store.read({
      ...everything,
      sinceMilliseconds: MIDNIGHT - 100 * HOUR,
      untilMilliseconds: MIDNIGHT + 100 * HOUR,
    });
    assert.deepEqual(
      read.map(({ name }) => name),
      events.map(({ name }) => name).reverse(),
    );
  });

  it('finds a pool in its namespace, a pool anywhere, a namespace, a type of event', async () => {
    const store = await aStore();
    await write(
      store,
      anEvent({ name: 'a' }),
      anEvent({ name: 'b', pool: 'other', time: MIDNIGHT + 1 }),
      anEvent({ name: 'c', namespace: 'ops', time: MIDNIGHT + 2 }),
      anEvent({ name: 'd', event: 'Scaling', time: MIDNIGHT + 3 }),
    );
    const names = async (query: Partial<HistoryQuery>) =>
      (await store.read({ ...everything, ...query })).map(({ name }) => name).join('');
    assert.equal(await names({ namespace: 'dev', pool: 'boxes' }), 'da');
    assert.equal(await names({ pool: 'boxes' }), 'dca');
    assert.equal(await names({ namespace: 'dev' }), 'dba');
    assert.equal(await names({ event: 'Scaling' }), 'd');
    assert.equal(await names({}), 'dcba');
  });

  it('takes the beginning in, leaves the end out, and stops at the limit with the newest', async () => {
    const store = await aStore();
    const times = [-2, -1, 0, 1, 2].map((hours) => MIDNIGHT + hours * HOUR);
    await write(store, ...times.map((time, index) => anEvent({ time, name: `${index}` })));
    const names = async (query: Partial<HistoryQuery>) =>
      (await store.read({ ...everything, ...query })).map(({ name }) => name).join('');
    assert.equal(await names({ sinceMilliseconds: times[1]!, untilMilliseconds: times[3]! }), '21');
    assert.equal(await names({ limit: 3 }), '432');
    assert.equal(await names({ limit: 3, namespace: 'dev', pool: 'boxes' }), '432');
  });

  it('keeps installations that share a table apart', async () => {
    const one = await aStore('one', 'Shared');
    const other = await aStore('other', 'Shared');
    await write(one, anEvent({ name: 'a' }));
    await write(other, anEvent({ name: 'b' }));
    assert.deepEqual(
      (await one.read(everything)).map(({ name }) => name),
      ['a'],
    );
  });

  it('says what is wrong when the key is', async () => {
    const store = await createTableStore({
      access: {
        connectionString: emulator.connectionString.replace('AccountKey=E', 'AccountKey=A'),
      },
      tableName: 'Forbidden1',
      installation: 'poolkeeper',
    });
    await assert.rejects(write(store, anEvent()), { name: 'PoolkeeperError', retry: 'backoff' });
  });

  it('takes what a recorder hands it, a thousand events included', async () => {
    const store = await aStore();
    const recorder = createHistoryRecorder({ runtime: createRuntime(), store });
    for (let index = 0; index < 1000; index++) {
      recorder.record(anEvent({ name: `m-${index}`, time: MIDNIGHT + index }));
    }
    await recorder.close();
    const read = await store.read({ ...everything, limit: 5000 });
    assert.equal(read.length, 1000);
    assert.equal(read[0]?.name, 'm-999');
  });
});
