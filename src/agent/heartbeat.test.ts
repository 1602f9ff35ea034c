// A node looks alive as long as any of its beats gets through.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeClient } from '../kube/index.ts';
import { FakeClock } from '../runtime/fake-clock.ts';
import { createRuntime } from '../runtime/index.ts';
import { seededRandom } from '../runtime/random.ts';
import { beat } from './heartbeat.ts';

test('a beat that gets no answer does not hold up the next', async () => {
  const clock = new FakeClock();
  const times: string[] = [];
  const client = {
    mergePatch: (
      _resource: unknown,
      _reference: unknown,
      patch: { spec: { renewTime: string } },
    ) => {
      times.push(patch.spec.renewTime);
      return times.length === 1 ? new Promise(() => {}) : Promise.resolve({});
    },
  } as unknown as KubeClient;
  const life = new AbortController();
  const runtime = createRuntime({ clock, random: seededRandom(1) });
  const options = { runtime, client, nodeName: 'node-1', namespace: 'poolkeeper-system' };
  const beating = beat(options, life.signal);
  for (let second = 0; second < 35; second++) await clock.advance(1000);
  assert.equal(new Set(times).size, 4);
  life.abort();
  await beating;
});
