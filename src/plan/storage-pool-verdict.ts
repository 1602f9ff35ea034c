// What one node contributes to its pool: whether the storage is there, and if not, why not.
import { findCondition } from '../api/conditions.ts';
import type { NodeMount, NodeMountPhase } from '../api/node-mount.ts';
import { type Reason, reasonOf } from '../api/reasons.ts';
import type { StoragePoolPhase } from '../api/storage-pool.ts';
import type { Stall } from './pool-conditions.ts';
import type { NodeSeen } from './storage-pool-children.ts';
import { describeRemains, describeSilence, isGone } from './storage-pool-release.ts';

export interface MountVerdict {
  readonly node: string;
  /** `stuck`: nothing moves until somebody changes something, or it failed and is tried again. */
  readonly type: 'ready' | 'working' | 'stuck' | 'unknown';
  /** Whether somebody has to change something. */
  readonly isStalled: boolean;
  /** Whether something is still to be done although it may be used already. */
  readonly isWorking: boolean;
  readonly phase: StoragePoolPhase;
  readonly reason: Reason;
  readonly message: string;
  readonly mount: NodeMount | undefined;
  /** It may be used, but something that the spec asks can't be done. */
  readonly complaint?: Stall | undefined;
}

export function judgeMount(
  mount: NodeMount | undefined,
  seen: NodeSeen,
  wasActive: boolean,
): MountVerdict {
  const node = seen.name;
  if (mount && isGone(mount, seen)) {
    const message =
      `node ${node} left the cluster: bring it back, or delete the pool; ` +
      `what may be on it: ${describeRemains(mount)}`;
    return verdict(node, mount, { type: 'unknown', phase: 'Unknown', reason: 'NodeGone', message });
  }
  if (seen.agent.state !== 'ready') {
    const message = `waits for ${describeSilence(node, seen)}; what is shown may be old`;
    const reason = 'AgentNotReady';
    return verdict(node, mount, { type: 'unknown', phase: 'Unknown', reason, message });
  }
  const working = { type: 'working', reason: 'Progressing', isWorking: true } as const;
  const phase = wasActive ? 'Pending' : 'Creating';
  if (!mount)
    return verdict(node, mount, { ...working, phase, message: `${node} is asked for it` });
  if (mount.metadata.deletionTimestamp !== undefined) {
    const message = 'is being undone before it is made again';
    return verdict(node, mount, { ...working, phase: 'Pending', message });
  }
  if (!mount.status?.phase) {
    const message = `waits for the agent of ${node} to take it up`;
    return verdict(node, mount, { ...working, phase, message });
  }
  return judgeReport(mount, mount.status.phase, { node, wasActive });
}

/** The agent has reported, and reports still. */
function judgeReport(
  mount: NodeMount,
  phase: NodeMountPhase,
  { node, wasActive }: { node: string; wasActive: boolean },
): MountVerdict {
  const { conditions, progress } = mount.status!;
  const ready = findCondition(conditions, 'Ready');
  const stalled = findCondition(conditions, 'Stalled');
  const reconciling = findCondition(conditions, 'Reconciling');
  const isLate = (mount.status?.observedGeneration ?? 0) < (mount.metadata.generation ?? 0);
  const common = {
    phase: poolPhase(phase, wasActive),
    isStalled: stalled?.status === 'True' && !isLate,
    isWorking: reconciling?.status === 'True' || isLate,
  };
  const reason = ready ? reasonOf(ready.reason) : 'Progressing';
  const said = ready?.message ?? progress?.message ?? phase;
  if (ready?.status === 'True')
    return verdict(node, mount, {
      ...common,
      type: 'ready',
      reason,
      message: said,
      ...(stalled && common.isStalled
        ? { complaint: { reason: reasonOf(stalled.reason), message: stalled.message } }
        : {}),
    });
  const isStuck = common.isStalled || phase === 'Failed' || reason !== 'Progressing';
  const percent = progress?.percent === undefined ? '' : ` (${progress.percent} %)`;
  const message = isStuck || said.includes('%') ? said : `${said}${percent}`;
  const type = isStuck ? 'stuck' : 'working';
  return verdict(node, mount, { ...common, isWorking: !common.isStalled, type, reason, message });
}

function verdict(
  node: string,
  mount: NodeMount | undefined,
  rest: Pick<MountVerdict, 'type' | 'phase' | 'reason' | 'message'> &
    Partial<Pick<MountVerdict, 'isStalled' | 'isWorking' | 'complaint'>>,
): MountVerdict {
  const isStalled = rest.reason === 'NodeGone';
  return { isStalled, isWorking: false, ...rest, node, mount };
}

/** A pool that has been Active is not created again when its node boots: it waits to be mounted. */
function poolPhase(phase: NodeMountPhase, wasActive: boolean): StoragePoolPhase {
  switch (phase) {
    case 'Mounted':
      return 'Active';
    case 'Degraded':
    case 'Rebuilding':
    case 'Failed':
    case 'Unknown':
      return phase;
    case 'Preparing':
    case 'Formatting':
    case 'Mounting':
      return wasActive ? 'Pending' : 'Creating';
    case 'Pending':
    case 'Unmounting':
    case 'Released':
      return 'Pending';
  }
}
