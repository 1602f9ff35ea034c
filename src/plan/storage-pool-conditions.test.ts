// What a storage pool says of itself.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  aMount,
  aNode,
  aPool,
  condition,
  export1,
  mounted,
  plan,
  time,
} from '../../test/builders/storage-pool-world.ts';
import type { NodeMountStatus } from '../api/node-mount.ts';

describe('what a pool says of itself', () => {
  test('everything asked for most often is in the summary', () => {
    const { status, find } = plan({ mounts: [aMount({ status: mounted, wasActive: true })] });
    assert.equal(status.phase, 'Active');
    assert.deepEqual(status.summary, { node: 'node-1', size: '1.0 TiB', used: '30%' });
    assert.equal(status.mountPath, '/pools/pool1');
    assert.equal(find('Ready')?.status, 'True');
    assert.equal(find('ArrayHealthy')?.message, 'All 2 members are in place.');
  });

  test('while it is made, the message has the step and the percentage', () => {
    const message = 'Making the filesystem: The array holds no filesystem yet.';
    const status: Partial<NodeMountStatus> = {
      phase: 'Formatting',
      conditions: [
        condition('Ready', 'False', 'Progressing', message),
        condition('Reconciling', 'True', 'Progressing', message),
      ],
      progress: { step: 'Making the filesystem', percent: 12, message },
    };
    const made = plan({ mounts: [aMount({ status })] });
    assert.equal(made.status.phase, 'Creating');
    assert.equal(made.find('Ready')?.message, `${message} (12 %)`);
    assert.equal(made.find('Reconciling')?.status, 'True');
    assert.equal(made.status.summary?.progress, 'Making the filesystem 12%');
  });

  test('a failure is told as the agent tells it: command, exit code, output', () => {
    const message = '`mdadm --create` failed with exit code 2: Device or resource busy';
    const status: Partial<NodeMountStatus> = {
      phase: 'Failed',
      conditions: [
        condition('Ready', 'False', 'CommandFailed', message),
        condition('Reconciling', 'True', 'CommandFailed', message),
      ],
      commands: [{ command: 'mdadm --create', state: 'Failed', exitCode: 2, startedAt: time }],
    };
    const failed = plan({ mounts: [aMount({ status })] });
    assert.equal(failed.status.phase, 'Failed');
    assert.equal(failed.find('Ready')?.reason, 'CommandFailed');
    assert.equal(failed.find('Ready')?.message, message);
    assert.deepEqual(failed.status.nodes?.failed, [{ name: 'node-1', message }]);
    assert.equal(failed.status.commands[0]?.node, 'node-1');
    assert.equal(failed.find('Stalled'), undefined, 'the agent goes on trying');
  });

  test('a degraded array can be used, and says that it lacks redundancy', () => {
    const message = 'Mounted at /pools/pool1. 1 of 2 members are missing or failed.';
    const status: Partial<NodeMountStatus> = {
      ...mounted,
      phase: 'Degraded',
      conditions: [
        condition('Ready', 'True', 'ArrayDegraded', message),
        condition('ArrayHealthy', 'False', 'ArrayDegraded', 'a member is missing'),
      ],
    };
    const degraded = plan({ mounts: [aMount({ status, wasActive: true })] });
    assert.equal(degraded.status.phase, 'Degraded');
    assert.equal(degraded.find('Ready')?.status, 'True');
    assert.equal(degraded.find('ArrayHealthy')?.status, 'False');
  });

  test('a silent agent makes everything unknown, but the numbers stay', () => {
    const agent = { state: 'silent', lastRenewedAt: '2026-01-01T11:58:03.123456Z' } as const;
    const mounts = [aMount({ status: mounted, wasActive: true })];
    const { status, find } = plan({ mounts, nodes: [aNode('node-1', { agent })] });
    assert.equal(status.phase, 'Unknown');
    assert.equal(find('Ready')?.status, 'Unknown');
    assert.equal(find('Ready')?.reason, 'AgentNotReady');
    assert.match(find('Ready')!.message, /silent since 2026-01-01T11:58:03Z/);
    assert.equal(find('Mounted')?.status, 'Unknown', 'no stale True');
    assert.equal(status.sizeBytes, 1024 ** 4);
  });

  test('a server that does not answer makes the pool unknown: it is not said to be unready', () => {
    const message = 'server:/export has not answered since then.';
    const status: Partial<NodeMountStatus> = {
      ...mounted,
      phase: 'Unknown',
      conditions: [condition('Ready', 'Unknown', 'ServerNotResponding', message)],
    };
    const dead = plan({ mounts: [aMount({ status, wasActive: true })] });
    assert.equal(dead.status.phase, 'Unknown');
    assert.equal(dead.find('Ready')?.status, 'Unknown');
    assert.equal(dead.find('Ready')?.reason, 'ServerNotResponding');
    assert.equal(dead.find('Ready')?.message, message);
    assert.equal(dead.status.sizeBytes, 1024 ** 4, 'the numbers stay');
  });

  test('after a boot a pool waits to be mounted again; it is not created again', () => {
    const pool = aPool({ status: { activeSince: time } });
    const status: Partial<NodeMountStatus> = { ...mounted, phase: 'Preparing', conditions: [] };
    const again = plan({ pool, mounts: [aMount({ status, wasActive: true })] });
    assert.equal(again.status.phase, 'Pending');
  });

  test('several nodes that fail alike are told in one sentence', () => {
    const pool = aPool({ spec: export1 });
    const names = ['node-1', 'node-2', 'node-3'];
    const message = '`mount` failed with exit code 32: access denied';
    const status: Partial<NodeMountStatus> = {
      phase: 'Failed',
      conditions: [condition('Ready', 'False', 'MountFailed', message)],
    };
    const mounts = names.map((node) => aMount({ node, pool, status }));
    const nodes = names.map((name) => aNode(name));
    const all = plan({ pool, mounts, nodes });
    assert.equal(all.status.phase, 'Failed');
    assert.equal(all.find('Ready')?.reason, 'NodesFailed');
    assert.equal(all.find('Ready')?.message, `failed on all 3 nodes: ${message}`);
    assert.equal(all.status.summary?.node, '0/3');
  });

  test('of several nodes the one that failed is named', () => {
    const pool = aPool({ spec: export1 });
    const message = 'access denied';
    const failed: Partial<NodeMountStatus> = {
      phase: 'Failed',
      conditions: [condition('Ready', 'False', 'MountFailed', message)],
    };
    const mounts = [
      aMount({ node: 'node-1', pool, status: mounted }),
      aMount({ node: 'node-2', pool, status: failed }),
    ];
    const some = plan({ pool, mounts, nodes: [aNode('node-1'), aNode('node-2')] });
    assert.equal(some.status.phase, 'Degraded');
    assert.equal(some.find('Ready')?.message, 'failed on 1 of 2 nodes: node-2: access denied');
    assert.deepEqual(some.status.nodes, {
      ready: 1,
      total: 2,
      failed: [{ name: 'node-2', message }],
    });
  });
});
