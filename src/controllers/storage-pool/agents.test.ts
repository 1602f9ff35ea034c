// Liveness of agents: judged by when their Lease was last seen to change, on our own clock.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Lease } from '../../api/built-in.ts';
import type { Store, StoreHandler } from '../../kube/index.ts';
import { FakeClock } from '../../runtime/fake-clock.ts';
import { trackAgents } from './agents.ts';

class Leases {
  readonly handlers = new Set<StoreHandler<Lease>>();
  readonly objects = new Map<string, Lease>();

  store(): Store<Lease> {
    const partial = {
      list: () => [...this.objects.values()],
      subscribe: (handler: StoreHandler<Lease>) => {
        this.handlers.add(handler);
        return () => this.handlers.delete(handler);
      },
    };
    return partial as unknown as Store<Lease>;
  }

  put(name: string, renewTime: string): void {
    const lease: Lease = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: {
        name,
        namespace: 'poolkeeper-system',
        uid: name,
        resourceVersion: '1',
        creationTimestamp: renewTime,
      },
      spec: { renewTime, leaseDurationSeconds: 40 },
    };
    const old = this.objects.get(name);
    this.objects.set(name, lease);
    for (const handler of this.handlers) handler(old ? 'update' : 'add', lease, old, 'watch');
  }

  remove(name: string): void {
    const old = this.objects.get(name)!;
    this.objects.delete(name);
    for (const handler of this.handlers) handler('delete', old, old, 'watch');
  }
}

const lease = 'poolkeeper-agent-node-1';

function begin() {
  const clock = new FakeClock();
  const leases = new Leases();
  const agents = trackAgents(leases.store(), clock);
  const told: string[] = [];
  agents.subscribe((node) => told.push(`${node} ${agents.stateOf(node).state}`));
  return { clock, leases, agents, told };
}

test('an agent that renews is ready, and nobody is woken for it', async () => {
  const { clock, leases, agents, told } = begin();
  for (let beat = 0; beat < 30; beat++) {
    leases.put(lease, `2026-01-01T00:00:${String(beat).padStart(2, '0')}Z`);
    await clock.advance(10_000);
  }
  assert.deepEqual(agents.stateOf('node-1'), { state: 'ready' });
  assert.deepEqual(told, ['node-1 ready']);
});

test('one that stops is silent after the duration of its Lease, and ready when heard again', async () => {
  const { clock, leases, agents, told } = begin();
  leases.put(lease, '2026-01-01T00:00:00Z');
  await clock.advance(20_000);
  leases.put(lease, '2026-01-01T00:00:20Z');
  await clock.advance(39_999);
  assert.equal(agents.stateOf('node-1').state, 'ready');
  await clock.advance(1);
  const silent = { state: 'silent', lastRenewedAt: '2026-01-01T00:00:20Z' };
  assert.deepEqual(agents.stateOf('node-1'), silent);
  leases.put(lease, '2026-01-01T00:02:00Z');
  assert.deepEqual(told, ['node-1 ready', 'node-1 silent', 'node-1 ready']);
});

test('a clock that is wrong on the node makes no difference', async () => {
  const { clock, leases, agents } = begin();
  leases.put(lease, '1999-01-01T00:00:00Z');
  assert.equal(agents.stateOf('node-1').state, 'ready');
  leases.put(lease, '2099-01-01T00:00:00Z');
  await clock.advance(40_000);
  assert.equal(agents.stateOf('node-1').state, 'silent');
});

test('a write that renews nothing is no sign of life', async () => {
  const { clock, leases, agents } = begin();
  leases.put(lease, '2026-01-01T00:00:00Z');
  await clock.advance(30_000);
  leases.put(lease, '2026-01-01T00:00:00Z');
  await clock.advance(10_000);
  assert.equal(agents.stateOf('node-1').state, 'silent');
});

test('without a Lease an agent is absent; other Leases are none of its', async () => {
  const { clock, leases, agents, told } = begin();
  leases.put('poolkeeper-controller', '2026-01-01T00:00:00Z');
  assert.equal(agents.stateOf('node-1').state, 'absent');
  leases.put(lease, '2026-01-01T00:00:00Z');
  leases.remove(lease);
  assert.equal(agents.stateOf('node-1').state, 'absent');
  assert.deepEqual(told, ['node-1 ready', 'node-1 absent']);
  assert.equal(clock.nextDelay(), undefined, 'no timer is left behind');
  agents.stop();
});
