// Moving what only one node may have: the new node gets it once the old one has let go, and the old one
// is only asked to when the new one is there to take it.
import type { NodeMount } from '../api/node-mount.ts';
import type { StoragePool } from '../api/storage-pool.ts';
import type { Stall } from './pool-conditions.ts';
import { branchOf } from './storage-pool-branch.ts';
import type { NodeSeen } from './storage-pool-children.ts';
import { describeSilence, judgeRelease } from './storage-pool-release.ts';

export interface Move {
  /** Mounts on other nodes that stay for now. */
  readonly keeps: readonly NodeMount[];
  /** Nobody else has it any more. */
  readonly mayCreate: boolean;
  readonly stall: Stall | undefined;
}

const noMove: Move = { keeps: [], mayCreate: true, stall: undefined };

export function planMove(
  pool: StoragePool,
  own: readonly NodeMount[],
  {
    targets,
    nodes,
  }: { readonly targets: readonly NodeSeen[]; readonly nodes: readonly NodeSeen[] },
): Move {
  const branch = branchOf(pool.spec);
  const nodeName = branch.nodeName(pool.spec);
  const elsewhere = own.filter(({ spec }) => spec.nodeName !== nodeName);
  if (!branch.isExclusive || nodeName === undefined || elsewhere.length === 0) return noMove;
  const [target] = targets;
  const staying = elsewhere.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  if (target?.agent.state !== 'ready' && staying.length > 0)
    return {
      keeps: staying,
      mayCreate: false,
      stall: notThere(pool, { nodeName, target, staying }),
    };
  return { keeps: [], mayCreate: false, stall: heldUp(pool, elsewhere, nodes) };
}

function notThere(
  { spec }: StoragePool,
  now: { nodeName: string; target: NodeSeen | undefined; staying: readonly NodeMount[] },
): Stall {
  const { nodeName, target, staying } = now;
  const where = staying.map((mount) => mount.spec.nodeName).join(', ');
  const why = target
    ? `waits for ${describeSilence(nodeName, target)}`
    : `no node ${nodeName} with an agent`;
  const message = `spec.${spec.type}.nodeName: ${why}; until then it stays on ${where}`;
  return { reason: target ? 'AgentNotReady' : 'NodeNotFound', message };
}

/** What keeps the old node from letting go, unless it is just doing it. */
function heldUp(
  pool: StoragePool,
  elsewhere: readonly NodeMount[],
  nodes: readonly NodeSeen[],
): Stall | undefined {
  for (const mount of elsewhere) {
    const { nodeName } = mount.spec;
    const seen = nodes.find(({ name }) => name === nodeName);
    const release = judgeRelease(mount, seen, pool);
    if (release.type === 'waits' && release.reason !== 'DeletionRequested')
      return {
        reason: 'StillInUseElsewhere',
        message: `${nodeName} has it still: ${release.message}`,
      };
  }
  return undefined;
}
