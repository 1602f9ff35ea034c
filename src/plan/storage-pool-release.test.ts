// How a storage pool goes, and what it waits for.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  aMount,
  aNode,
  aPool,
  condition,
  export1,
  isOf,
  mounted,
  type PoolOptions,
  plan,
  raid1,
} from '../../test/builders/storage-pool-world.ts';
import { planOrphans } from './storage-pool.ts';
import { type NodeSeen, nodeMountSpec } from './storage-pool-children.ts';
import { NO_SOURCES } from './storage-pool-sources.ts';

describe('deleting', () => {
  const deleted = aPool({ deleting: true });

  test('the mount is deleted first, then waited for, then let go of, then the pool', () => {
    const asked = plan({ pool: deleted, mounts: [aMount()] });
    assert.deepEqual(asked.types, ['deleteMount']);
    const waits = plan({ pool: deleted, mounts: [aMount({ deleting: true })] });
    assert.deepEqual(waits.types, []);
    assert.equal(waits.status.phase, 'Deleting');
    const released = aMount({ deleting: true, status: { phase: 'Released' } });
    assert.deepEqual(plan({ pool: deleted, mounts: [released] }).types, ['releaseMount']);
    assert.deepEqual(plan({ pool: deleted, mounts: [] }).types, ['releasePool']);
  });

  test('what shall happen to the bytes reaches the mount before the deletion does', () => {
    const spec = { ...raid1, deletionPolicy: 'Destroy', confirmDestroy: 'pool1' };
    const pool = aPool({ spec, deleting: true });
    const { steps, types } = plan({ pool, mounts: [aMount({ status: mounted })] });
    assert.deepEqual(types, ['updateMount']);
    assert.deepEqual(steps.find(isOf('updateMount'))?.changes, {
      deletionPolicy: 'Destroy',
      holdsData: true,
    });
  });

  test('destruction that was not confirmed by name is retention', () => {
    const pool = aPool({ spec: { ...raid1, deletionPolicy: 'Destroy', confirmDestroy: 'other' } });
    const wish = {
      pool,
      nodeName: 'node-1',
      nodeUid: undefined,
      wasActive: true,
      sources: NO_SOURCES,
    };
    assert.equal(nodeMountSpec(wish)?.deletionPolicy, 'Retain');
  });

  test('a mount that is held open says by whom', () => {
    const message = 'Other processes hold the filesystem mounted: postgres (812).';
    const conditions = [condition('CleanedUp', 'False', 'CleanupBlocked', message)];
    const mount = aMount({ deleting: true, status: { phase: 'Unmounting', conditions } });
    const { find } = plan({ pool: deleted, mounts: [mount] });
    assert.equal(find('Deleting')?.reason, 'CleanupBlocked');
    assert.equal(find('Deleting')?.message, `node-1: ${message}`);
    assert.equal(find('Stalled')?.reason, 'CleanupBlocked');
    assert.equal(find('Reconciling'), undefined);
  });

  test('a silent agent is waited for, and the way out is told', () => {
    const nodes = [aNode('node-1', { agent: { state: 'absent' } })];
    const { types, find } = plan({ pool: deleted, mounts: [aMount({ deleting: true })], nodes });
    assert.deepEqual(types, []);
    assert.equal(find('Deleting')?.reason, 'AgentNotReady');
    assert.match(find('Deleting')!.message, /poolkeeper\.dev\/forget-node=node-1/);
  });

  const gone: Record<string, { pool?: PoolOptions; node: Partial<NodeSeen> }> = {
    'the Node is gone': { node: { node: undefined, agent: { state: 'silent' } } },
    'another machine has its name': {
      node: { node: { uid: 'new', labels: {} }, agent: { state: 'silent' } },
    },
    'the annotation names it': {
      pool: { annotations: { 'poolkeeper.dev/forget-node': 'node-9, node-1' } },
      node: { agent: { state: 'silent' } },
    },
  };
  for (const [why, given] of Object.entries(gone)) {
    test(`what is left behind is recorded before the mount is let go of: ${why}`, () => {
      const nodes = [aNode('node-1', given.node)];
      const drives = [{ serial: 'a', state: 'Active' as const }];
      const mount = aMount({ deleting: true, status: { ...mounted, drives }, wasActive: true });
      const first = plan({
        pool: aPool({ deleting: true, ...given.pool }),
        mounts: [mount],
        nodes,
      });
      assert.deepEqual(first.types, []);
      assert.equal(first.status.leftBehind.length, 1);
      assert.match(first.status.leftBehind[0]!, /^node-1: .*disks a/);
      assert.ok(first.waitMilliseconds);
      const pool = aPool({ deleting: true, ...given.pool, status: first.status });
      const second = plan({ pool, mounts: [mount], nodes });
      assert.deepEqual(second.types, ['releaseMount']);
    });
  }

  test('a Node registered anew, whose agent reports, still cleans up itself', () => {
    const nodes = [aNode('node-1', { node: { uid: 'new', labels: {} } })];
    const mounts = [aMount({ deleting: true, status: mounted, wasActive: true })];
    assert.deepEqual(plan({ pool: deleted, mounts, nodes }).types, []);
  });

  test('more nodes than the status can name are all let go of in the end', () => {
    const names = Array.from({ length: 100 }, (_, index) => `node-${index}`);
    const nodes = names.map((name) => aNode(name, { node: undefined, agent: { state: 'absent' } }));
    let pool = aPool({ spec: export1, deleting: true });
    let mounts = names.map((node) => aMount({ node, pool, deleting: true }));
    for (let pass = 0; mounts.length > 0; pass++) {
      assert.ok(pass < 20, 'it comes to an end');
      const { steps, status } = plan({ pool, mounts, nodes });
      const released = new Set(steps.filter(isOf('releaseMount')).map(({ mount }) => mount));
      mounts = mounts.filter((mount) => !released.has(mount));
      pool = aPool({ spec: export1, deleting: true, status });
    }
  });

  test('mounts whose pool is gone are let go of once they are clean', () => {
    const clean = aMount({ deleting: true, status: { phase: 'Released' } });
    const busy = aMount({ deleting: true, status: { phase: 'Unmounting' } });
    const steps = planOrphans([clean, busy, aMount()], [aNode('node-1')]);
    assert.deepEqual(
      steps.map(({ mount }) => mount),
      [clean],
    );
  });
});
