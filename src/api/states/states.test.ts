// The tables name every phase there is, and lead from the first to every other and out again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { instanceClaimStatus } from '../instance-claim.ts';
import { nodeMountPhase } from '../node-mount.ts';
import { poolInstancePhase } from '../pool-instance.ts';
import { poolVolumePhase } from '../pool-volume.ts';
import { stateTables } from './index.ts';

const phases: Readonly<Record<string, readonly string[]>> = {
  InstanceClaim: instanceClaimStatus.shape.phase.unwrap().options,
  PoolInstance: poolInstancePhase.options,
  PoolVolume: poolVolumePhase.options,
  NodeMount: nodeMountPhase.options,
};

for (const { kind, phases: told, first, transitions = [] } of stateTables) {
  test(`${kind}: every phase is told, and none that is not there`, () => {
    assert.deepEqual(Object.keys(told).sort(), [...(phases[kind] ?? [])].sort());
  });

  test(`${kind}: every phase can be reached, and left for good`, () => {
    if (transitions.length === 0) return;
    const reached = new Set([first]);
    for (let size = 0; size !== reached.size; ) {
      size = reached.size;
      for (const { from, to } of transitions) if (reached.has(from)) reached.add(to);
    }
    assert.deepEqual(
      Object.keys(told).filter((phase) => !reached.has(phase)),
      [],
    );
    const leaves = new Set(['gone']);
    for (let size = 0; size !== leaves.size; ) {
      size = leaves.size;
      for (const { from, to } of transitions) if (leaves.has(to)) leaves.add(from);
    }
    assert.deepEqual(
      Object.keys(told).filter((phase) => !leaves.has(phase)),
      [],
    );
  });
}
