import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JsonObject } from '../json.ts';
import { defaultResourceGroup, defaultSubscriptionId } from '../settings.ts';
import { type Answer, aFakeCloud, codeOf, type FakeCloud } from '../testing/fake-cloud.ts';
import { aDisk, aMachine, diskPath, vmPath } from '../testing/machines.ts';

const immediately = { minimumSeconds: 0, maximumSeconds: 0 };
const always = 'Resources | project id, name | order by id asc';

async function withDisks(count: number, settings = {}): Promise<FakeCloud> {
  const cloud = aFakeCloud({ graphLag: immediately, ...settings });
  for (let i = 0; i < count; i++) {
    const tags = { 'poolkeeper:installation': 'one', 'poolkeeper:slot': `pool-${i}` };
    cloud.send('PUT', diskPath(`disk-${i}`), aDisk({ tags }));
  }
  await cloud.clock.advance(1000);
  return cloud;
}

function rows(answer: Answer): JsonObject[] {
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  return answer.body['data'] as JsonObject[];
}

function names(answer: Answer): unknown[] {
  return rows(answer).map((row) => row['name']);
}

describe('the query language', () => {
  const isDisk = "type =~ 'Microsoft.Compute/disks'";
  const cases: Record<string, { query: string; want: unknown[] }> = {
    'filters by type without case and by a tag with a colon': {
      query:
        'Resources' +
        ` | where ${isDisk}` +
        " | where tags['poolkeeper:installation'] == 'one'" +
        ' | project name' +
        ' | order by name asc',
      want: ['disk-0', 'disk-1', 'disk-2'],
    },
    'finds nothing where a tag is missing': {
      query: `Resources | where tags['no:such'] == 'one'`,
      want: [],
    },
    'knows sets, with and without case': {
      query:
        'resources' +
        " | where type in~ ('MICROSOFT.COMPUTE/DISKS', 'x') and name !in ('disk-1')" +
        ' | project name' +
        ' | order by name asc',
      want: ['disk-0', 'disk-2'],
    },
    'compares groups and subscriptions': {
      query:
        'Resources' +
        ` | where resourceGroup =~ '${defaultResourceGroup.toUpperCase()}'` +
        ` | where subscriptionId == '${defaultSubscriptionId}' and ${isDisk}` +
        " | where name endswith '2'" +
        ' | project name',
      want: ['disk-2'],
    },
    'reaches into properties and compares numbers': {
      query:
        'Resources' +
        ` | where ${isDisk} and properties.diskSizeGB >= 4` +
        " | where tolong(properties['diskSizeGB']) < 5" +
        " | where name has '0'" +
        ' | project name',
      want: ['disk-0'],
    },
    'compares moments': {
      query:
        'Resources' +
        ` | where ${isDisk} and todatetime(properties.timeCreated) > ago(1h)` +
        ' | where todatetime(properties.timeCreated) < now()' +
        ' | top 1 by name desc' +
        ' | project name',
      want: ['disk-2'],
    },
    'extends with computed columns': {
      query:
        'Resources' +
        ` | where ${isDisk}` +
        " | extend slot = tostring(tags['poolkeeper:slot']), kept = isnotempty(managedBy)" +
        " | where kept == false and slot == 'pool-1'" +
        " | project name = strcat(slot, '!')",
      want: ['pool-1!'],
    },
    'sorts descending by default and takes': {
      query: `Resources | where ${isDisk} | order by name | take 2 | project name`,
      want: ['disk-2', 'disk-1'],
    },
    'understands not, or, parentheses and comments': {
      query:
        'Resources // everything\n' +
        ` | where ${isDisk} and not(name == 'disk-0' or name == 'disk-1')` +
        ' | project name',
      want: ['disk-2'],
    },
  };
  for (const [sentence, { query, want }] of Object.entries(cases)) {
    it(sentence, async () => {
      const cloud = await withDisks(3);
      assert.deepEqual(names(cloud.query(query)), want);
    });
  }

  it('summarizes', async () => {
    const { query } = await withDisks(3);
    const answer = query(
      'Resources' +
        ' | summarize total = count(), sizes = sum(toint(properties.diskSizeGB)) by type' +
        ' | order by type asc',
    );
    assert.deepEqual(rows(answer), [
      { type: 'microsoft.compute/disks', total: 3, sizes: 12 },
      { type: 'microsoft.compute/snapshots', total: 1, sizes: 32 },
    ]);
    assert.deepEqual(rows(query('Resources | summarize count() by name | count')), [{ Count: 4 }]);
  });

  it('answers 400 with the place of the mistake, and the mistake costs quota', async () => {
    const { query } = await withDisks(0);
    const answer = query('where where');
    assert.deepEqual([answer.status, codeOf(answer)], [400, 'BadRequest']);
    const error = answer.body['error'] as { details: { code: string; line?: number }[] };
    assert.deepEqual(
      error.details.map((detail) => detail.code),
      ['InvalidQuery', 'ParserFailure'],
    );
    assert.equal(error.details[1]?.line, 1);
    assert.equal(answer.headers['x-ms-user-quota-remaining'], '14');
    for (const wrong of ['Nowhere | take 1', 'Resources | where nmae == 1', 'Resources | join x'])
      assert.equal(query(wrong).status, 400, wrong);
  });
});

describe('what a row looks like', () => {
  it("has lower-case types, ids in another case, and the machine's power state", async () => {
    const cloud = aFakeCloud({ graphLag: immediately });
    await cloud.run('PUT', vmPath(), aMachine());
    const [row] = rows(
      cloud.query(
        'Resources' +
          " | where type =~ 'microsoft.compute/virtualmachines'" +
          ' | extend power = tostring(properties.extended.instanceView.powerState.code)' +
          ' | project id, type, zones, power',
      ),
    );
    assert.equal(row?.['type'], 'microsoft.compute/virtualmachines');
    assert.match(String(row?.['id']), /resourceGroups\/POOLKEEPER\//);
    assert.equal(row?.['power'], 'PowerState/running');
    assert.deepEqual(row?.['zones'], ['1']);
  });
});

describe('paging', () => {
  it('goes on as long as there is a token, whatever resultTruncated says', async () => {
    const { query } = await withDisks(4);
    const first = query(always, { $top: 2 });
    assert.equal(first.body['resultTruncated'], 'false');
    assert.equal(first.body['totalRecords'], 5);
    assert.equal(first.body['count'], 2);
    const seen = names(first);
    let token = first.body['$skipToken'];
    while (token) {
      const next = query(always, { $top: 2, $skipToken: token });
      seen.push(...names(next));
      token = next.body['$skipToken'];
    }
    assert.deepEqual(seen, ['disk-0', 'disk-1', 'disk-2', 'disk-3', 'golden-v1']);
  });

  it('gives no token to a query that limits itself or hides the id', async () => {
    const { query } = await withDisks(4);
    assert.equal(query('Resources | take 3', { $top: 2 }).body['$skipToken'], undefined);
    const hidden = query('Resources | project name', { $top: 2 });
    assert.equal(hidden.body['$skipToken'], undefined);
    assert.equal(hidden.body['resultTruncated'], 'true');
  });

  it('can lose a page or rows of one, by order', async () => {
    const { azure, query } = await withDisks(4);
    const operation = 'resourceGraph.resources';
    azure.faults.add({
      match: { operation, page: 2 },
      times: 1,
      effect: { type: 'error', status: 503 },
    });
    const first = query(always, { $top: 2 });
    assert.equal(query(always, { $top: 2, $skipToken: first.body['$skipToken'] }).status, 503);
    azure.faults.add({
      match: { operation },
      times: 1,
      effect: { type: 'graphShortPage', rows: 1 },
    });
    const short = query(always);
    assert.equal(short.body['$skipToken'], undefined);
    assert.ok(Number(short.body['count']) < Number(short.body['totalRecords']));
  });
});

describe('lag', () => {
  const slow = { graphLag: { minimumSeconds: 120, maximumSeconds: 120 } };

  it('shows a change only after its delay, creations and deletions alike', async () => {
    const cloud = aFakeCloud(slow);
    await cloud.clock.advance(200_000);
    cloud.send('PUT', diskPath('late'), aDisk());
    await cloud.clock.advance(100_000);
    assert.deepEqual(names(cloud.query(always)), ['golden-v1']);
    await cloud.clock.advance(30_000);
    assert.deepEqual(names(cloud.query(always)), ['late', 'golden-v1']);
    cloud.send('DELETE', diskPath('late'));
    await cloud.clock.advance(100_000);
    assert.deepEqual(names(cloud.query(always)), ['late', 'golden-v1']);
    await cloud.clock.advance(30_000);
    assert.deepEqual(names(cloud.query(always)), ['golden-v1']);
  });

  it('shrinks with the speed', async () => {
    const cloud = aFakeCloud({ ...slow, speed: 60 });
    cloud.send('PUT', diskPath('quick'), aDisk());
    await cloud.clock.advance(3000);
    assert.deepEqual(names(cloud.query(always)), ['quick', 'golden-v1']);
  });

  it('can be ordered for one resource, or run backwards from call to call', async () => {
    const cloud = await withDisks(1);
    cloud.azure.faults.add({
      match: { operation: 'resourceGraph.index', name: 'hidden' },
      effect: { type: 'graphLag', seconds: 600 },
    });
    cloud.send('PUT', diskPath('hidden'), aDisk());
    cloud.send('PUT', diskPath('shown'), aDisk());
    await cloud.clock.advance(1000);
    assert.deepEqual(names(cloud.query(always)), ['disk-0', 'shown', 'golden-v1']);
    cloud.azure.faults.clear();
    cloud.azure.faults.add({
      match: { operation: 'resourceGraph.resources' },
      effect: { type: 'graphBackwards', windowSeconds: 3 },
    });
    const counts = new Set<number>();
    for (let call = 0; call < 30; call++) {
      counts.add(rows(cloud.query(always)).length);
      await cloud.clock.advance(call % 14 === 13 ? 5000 : 0);
      if (call === 20) cloud.send('PUT', diskPath(`more-${call}`), aDisk());
    }
    assert.ok(counts.size > 1, 'some calls were answered from the past');
  });
});

describe('the quota', () => {
  it('is fifteen queries in five seconds; then 429 with Retry-After', async () => {
    const { query, clock } = await withDisks(0);
    for (let call = 0; call < 15; call++) assert.equal(query(always).status, 200);
    const refused = query(always);
    assert.deepEqual([refused.status, codeOf(refused)], [429, 'RateLimiting']);
    assert.equal(refused.headers['retry-after'], '5');
    assert.equal(refused.headers['x-ms-user-quota-resets-after'], '00:00:05');
    await clock.advance(5000);
    assert.equal(query(always).status, 200);
  });
});
