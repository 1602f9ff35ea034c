import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { serveDebug } from './debug-pools.ts';
import { readTime, tableLine } from './history.ts';
import { CONNECTION_STRING, openHistory } from './history-settings.ts';
import { serveEndpoints, watchHandlers } from './http-endpoints.ts';
import type { RunningServer } from './http-server.ts';
import { SettingsError } from './settings.ts';

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

function ask(url: string, options: { method?: string; host?: string } = {}): Promise<Answer> {
  const { method = 'GET', host } = options;
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers: host ? { host } : {} }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          type: String(response.headers['content-type']),
          body,
        }),
      );
    });
    sent.on('error', reject).end();
  });
}

describe('the endpoints', () => {
  let server: RunningServer;
  let problem: string | undefined;
  before(async () => {
    server = await serveEndpoints('127.0.0.1:0', {
      live: () => problem,
      ready: () => undefined,
      metrics: async () => {
        if (problem) throw new Error(problem);
        return 'up 1\n';
      },
    });
  });
  after(() => server.close());

  it('tell health in words', async () => {
    problem = undefined;
    assert.deepEqual(await ask(`${server.url}/healthz`), {
      status: 200,
      type: 'text/plain; charset=utf-8',
      body: 'ok\n',
    });
    problem = 'no word from the watches of nodes';
    const sick = await ask(`${server.url}/livez`);
    assert.deepEqual([sick.status, sick.body], [503, `${problem}\n`]);
    assert.equal((await ask(`${server.url}/readyz`)).status, 200);
  });

  it('give metrics in the format of Prometheus, and survive an error', async () => {
    problem = undefined;
    const answer = await ask(`${server.url}/metrics?x=1`);
    assert.deepEqual([answer.status, answer.body], [200, 'up 1\n']);
    assert.match(answer.type, /version=0\.0\.4/);
    problem = 'broken';
    assert.equal((await ask(`${server.url}/metrics`)).status, 500);
    assert.equal((await ask(`${server.url}/healthz`)).status, 503);
  });

  it('refuse what they do not serve', async () => {
    assert.equal((await ask(`${server.url}/debug/pools`)).status, 404);
    assert.equal((await ask(`${server.url}/metrics`, { method: 'POST' })).status, 405);
  });

  it('name the setting when the port is taken', async () => {
    const { host } = new URL(server.url);
    const report = () => ({});
    await assert.rejects(
      serveDebug({ address: host, report }),
      (error) => error instanceof SettingsError && /^--debug-address: port/.test(error.message),
    );
    await assert.rejects(serveDebug({ address: 'nonsense', report }), /is not host:port/);
  });
});

describe('what the watches say about health', () => {
  const judge = (given: { synced: boolean; silent: string[] }): (string | undefined)[] => {
    const { live, ready } = watchHandlers(() => ({ ...given, watched: 2 }));
    return [live(), ready()];
  };
  const stuck = 'no word from the watches of nodes';

  it('all of them heard: alive and ready', () => {
    assert.deepEqual(judge({ synced: true, silent: [] }), [undefined, undefined]);
  });
  it('not filled yet: alive, not ready', () => {
    const unready = [undefined, 'caches are not synced'];
    assert.deepEqual(judge({ synced: false, silent: [] }), unready);
  });
  it('one is stuck: a restart helps', () => {
    assert.deepEqual(judge({ synced: true, silent: ['nodes'] }), [stuck, stuck]);
  });
  it('all are silent: the API server is away, which no restart mends', () => {
    const unready = [undefined, `${stuck}, leases`];
    assert.deepEqual(judge({ synced: true, silent: ['nodes', 'leases'] }), unready);
  });
});

describe('the debug endpoint', () => {
  let server: RunningServer;
  before(async () => {
    server = await serveDebug({ address: '127.0.0.1:0', report: (filter) => ({ filter }) });
  });
  after(() => server.close());

  it('passes filters on and answers with JSON', async () => {
    const answer = await ask(`${server.url}/debug/pools?namespace=dev&name=boxes`);
    assert.equal(answer.type, 'application/json');
    assert.deepEqual(JSON.parse(answer.body), { filter: { namespace: 'dev', name: 'boxes' } });
    assert.deepEqual(JSON.parse((await ask(`${server.url}/debug/pools`)).body), { filter: {} });
  });

  it('names a filter that it does not know', async () => {
    const answer = await ask(`${server.url}/debug/pools?pool=boxes`);
    assert.deepEqual([answer.status, answer.body.split(':')[0]], [400, 'pool']);
  });

  it('does not answer under a name that somebody pointed at this machine', async () => {
    assert.equal((await ask(`${server.url}/debug/pools`, { host: 'evil.example' })).status, 421);
    assert.equal((await ask(`${server.url}/debug/pools`, { host: 'localhost:8082' })).status, 200);
    assert.equal((await ask(`${server.url}/debug/pools`, { host: '[::1]:8082' })).status, 200);
  });
});

describe('the history command', () => {
  const now = Date.UTC(2026, 1, 3, 12);

  it('reads durations back from now, days and times', () => {
    assert.equal(readTime('--since', '90m', now), now - 90 * 60_000);
    assert.equal(readTime('--since', '7d', now), now - 7 * 86_400_000);
    assert.equal(readTime('--since', '2026-02-01T00:00Z', now), Date.UTC(2026, 1, 1));
    assert.throws(() => readTime('--since', 'yesterday', now), /^PoolkeeperError: --since: yest/);
  });

  it('prints a line that reads like a sentence', () => {
    const line = tableLine({
      time: now,
      event: 'Allocation',
      kind: 'PoolInstance',
      namespace: 'dev',
      pool: 'boxes',
      name: 'boxes-3',
      uid: 'uid',
      from: 'Free',
      what: 'Claimed',
      seconds: 40,
      claim: 'dev/alice',
      because: 'bound',
    });
    assert.equal(
      line,
      '2026-02-03T12:00:00Z  Allocation  dev/PoolInstance/boxes-3  Free → Claimed after 40 s  for dev/alice  bound',
    );
  });

  const given = {
    historyTableName: 'PoolkeeperHistory',
    installation: 'poolkeeper',
    azureCredential: 'Simulated' as const,
  };

  it('keeps none unless asked, and never tells a key', async () => {
    assert.equal(await openHistory(given, ''), undefined);
    await assert.rejects(openHistory(given, 'AccountKey=hunter2'), (error) => {
      assert.ok(error instanceof SettingsError);
      assert.doesNotMatch(error.message, /hunter2/);
      return error.message.startsWith(CONNECTION_STRING);
    });
    const both = { ...given, historyTableEndpoint: 'https://a.table.core.windows.net' };
    await assert.rejects(openHistory(both, 'AccountKey=hunter2'), /set one of them/);
  });
});
