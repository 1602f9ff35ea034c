// Whom a storage pool asks for what, and how it keeps them in step.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  aMount,
  aNode,
  aPool,
  export1,
  type Given,
  isOf,
  mounted,
  plan,
  raid1,
  time,
} from '../../test/builders/storage-pool-world.ts';
import type { NodeMount } from '../api/node-mount.ts';
import { nodeMountSpec as nodeMountSchema } from '../api/node-mount.ts';
import { storagePoolStatus } from '../api/storage-pool.ts';
import { nodeMountName } from './storage-pool-children.ts';

describe('asking for mounts', () => {
  test('a new pool holds itself before it asks its node for anything', () => {
    const pool = aPool();
    pool.metadata.finalizers = [];
    const { steps, types, status } = plan({ pool });
    assert.deepEqual(types, ['holdPool', 'createMount']);
    const { name, spec } = steps.find(isOf('createMount'))!;
    assert.equal(name, 'pool1.node-1');
    assert.equal(status.phase, 'Creating');
    assert.equal(status.summary?.node, 'node-1');
    assert.deepEqual(nodeMountSchema.parse(spec), spec, 'the API server would add no default');
    assert.equal(spec.nodeUid, 'uid-node-1');
    assert.equal(spec.holdsData, false);
  });

  test('an adopted array holds data from the first moment', () => {
    const arrayUUID = '1ae21676-b5a5-0bcc-0123-456789abcdef';
    const source = { type: 'Adopt', adopt: { arrayUUID } };
    const pool = aPool({ spec: { type: 'mdadm', mdadm: { ...raid1.mdadm, source } } });
    const { spec } = plan({ pool }).steps.find(isOf('createMount'))!;
    assert.equal(spec.holdsData, true);
    assert.equal(spec.type === 'mdadm' && spec.mdadm.adoptArrayUUID, arrayUUID);
  });

  test('an NFS pool asks every node that matches and has an agent', () => {
    const labels = { disk: 'fast' };
    const nodes = [
      aNode('node-3', { node: { uid: 'uid-node-3', labels } }),
      aNode('node-1', { node: { uid: 'uid-node-1', labels } }),
      aNode('node-2'),
      aNode('node-4', { node: { uid: 'uid-node-4', labels }, hasInventory: false }),
    ];
    const pool = aPool({ spec: { ...export1, nodeSelector: labels } });
    const names = plan({ pool, nodes }).steps.filter(isOf('createMount'));
    assert.deepEqual(
      names.map(({ name }) => name),
      ['pool1.node-1', 'pool1.node-3'],
    );
  });

  test('names of mounts never meet, whatever dots the names of pools and nodes have', () => {
    const names = [
      nodeMountName('a', 'b.c'),
      nodeMountName('a.b', 'c'),
      nodeMountName('a.b.c', 'd'),
      nodeMountName('a.b', 'c.d'),
    ];
    assert.equal(new Set(names).size, names.length);
    const long = nodeMountName('p'.repeat(40), `${'n'.repeat(63)}.${'m'.repeat(189)}`);
    assert.ok(long.length <= 253 && /^[a-z0-9][-a-z0-9.]*[a-z0-9]$/.test(long), long);
  });

  const refused: Record<string, { spec: object; words: string }> = {
    'a directory of the system': {
      spec: { type: 'local', local: { path: '/etc/ssl' } },
      words: 'spec.local.path: /etc/ssl belongs to the operating system',
    },
    'destruction without the name': {
      spec: { ...raid1, deletionPolicy: 'Destroy' },
      words: 'spec.confirmDestroy must be pool1 when spec.deletionPolicy is Destroy',
    },
  };
  for (const [what, { spec, words }] of Object.entries(refused)) {
    test(`what can't be done is refused in words: ${what}`, () => {
      const { types, status, find } = plan({ pool: aPool({ spec }) });
      assert.deepEqual(types, []);
      assert.equal(status.phase, 'Failed');
      assert.equal(find('Stalled')?.status, 'True');
      assert.equal(find('Stalled')?.reason, 'InvalidSpec');
      assert.equal(find('Stalled')?.message, words);
      assert.equal(find('Reconciling'), undefined);
    });
  }

  const missing: Record<string, { given: Given; reason: string }> = {
    'no such node': { given: { nodes: [] }, reason: 'NodeNotFound' },
    'a node without an agent': {
      given: { nodes: [aNode('node-1', { hasInventory: false, agent: { state: 'absent' } })] },
      reason: 'AgentNotReady',
    },
    'no node that matches': {
      given: { pool: aPool({ spec: { ...export1, nodeSelector: { no: 'such' } } }) },
      reason: 'NoMatchingNode',
    },
  };
  for (const [what, { given, reason }] of Object.entries(missing)) {
    test(`a pool waits and says for what: ${what}`, () => {
      const { types, status, find } = plan(given);
      assert.deepEqual(types, []);
      assert.equal(status.phase, 'Pending');
      assert.equal(find('Ready')?.reason, reason);
      assert.equal(find('Stalled')?.reason, reason);
    });
  }

  test("another owner's mount in the way is never taken over", () => {
    const mount = aMount();
    const other: NodeMount = {
      ...mount,
      spec: { ...mount.spec, poolRef: { name: 'pool1', uid: 'former' } },
    };
    const { types, find } = plan({ mounts: [other] });
    assert.deepEqual(types, []);
    assert.match(find('Stalled')!.message, /NodeMount pool1.node-1 belongs to .* uid former/);
  });
});

describe('keeping in step', () => {
  test('a disk that was replaced in the pool is replaced in the mount, and nothing else', () => {
    const mount = aMount({ status: mounted });
    const devices = [{ serial: 'a', label: 'bay 1' }, { serial: 'c' }];
    const source = { type: 'Devices', devices };
    const pool = aPool({ spec: { type: 'mdadm', mdadm: { ...raid1.mdadm, source } } });
    const step = plan({ pool, mounts: [mount] }).steps.find(isOf('updateMount'))!;
    assert.deepEqual(step.changes, { holdsData: true, mdadm: { devices } });
  });

  test('once mounted, the mount is told that it holds data, and the time is kept', () => {
    const { steps, status } = plan({ mounts: [aMount({ status: mounted })] });
    assert.deepEqual(steps.find(isOf('updateMount'))?.changes, { holdsData: true });
    assert.equal(status.activeSince, '2026-01-01T11:00:00Z');
  });

  test('a settled pool is silent', () => {
    const mounts = [aMount({ status: mounted, wasActive: true })];
    const first = plan({ mounts });
    assert.deepEqual(first.types, []);
    const again = plan({ pool: aPool({ status: first.status }), mounts });
    assert.deepEqual(again.status, first.status);
    assert.deepEqual(storagePoolStatus.parse(first.status), first.status);
  });

  test('a pool that was Active before its mount was lost still protects its bytes', () => {
    const pool = aPool({ status: { activeSince: time } });
    assert.equal(plan({ pool }).steps.find(isOf('createMount'))?.spec.holdsData, true);
  });

  test('a node that no longer matches gives its mount back', () => {
    const pool = aPool({ spec: { ...export1, nodeSelector: { disk: 'fast' } } });
    const nodes = [
      aNode('node-1', { node: { uid: 'uid-node-1', labels: { disk: 'fast' } } }),
      aNode('node-2'),
    ];
    const mounts = ['node-1', 'node-2'].map((node) => aMount({ node, pool, status: mounted }));
    const { steps } = plan({ pool, mounts, nodes });
    const deleted = steps.filter(isOf('deleteMount')).map(({ mount }) => mount.metadata.name);
    assert.deepEqual(deleted, ['pool1.node-2']);
  });
});
