// When the record of one mount may go: its agent has cleaned up, or nobody is left who could.
import { annotations, resourceFinalizer } from '../api/names.ts';
import type { NodeMount } from '../api/node-mount.ts';
import type { AnyObject } from '../api/object.ts';
import type { Reason } from '../api/reasons.ts';
import { branchOf } from './storage-pool-branch.ts';
import type { NodeSeen } from './storage-pool-children.ts';

export type Release =
  /** Nothing to release: it is not being deleted, or not held any more. */
  | { readonly type: 'none' }
  | { readonly type: 'waits'; readonly reason: Reason; readonly message: string }
  /** `kept`: what the deletion policy left on the node, in the agent's words. */
  | { readonly type: 'cleaned'; readonly kept: string | undefined }
  /** `leftBehind` says what may still be on the machine; it is recorded before the record goes. */
  | { readonly type: 'abandoned'; readonly because: string; readonly leftBehind: string };

/** `seen` is undefined when nothing at all is known of the node. */
export function judgeRelease(
  mount: NodeMount,
  seen: NodeSeen | undefined,
  pool: AnyObject | undefined,
): Release {
  const { metadata, spec, status } = mount;
  const isHeld = metadata.finalizers?.includes(resourceFinalizer) === true;
  if (metadata.deletionTimestamp === undefined || !isHeld) return { type: 'none' };
  if (status?.phase === 'Released') {
    const kept = status.leftBehind.join(' ');
    return { type: 'cleaned', kept: kept === '' ? undefined : kept };
  }
  const leftBehind = describeRemains(mount);
  if (seen?.node?.isOutOfService && seen.agent.state !== 'ready') {
    const because = `the taint ${OUT_OF_SERVICE} says that ${spec.nodeName} is off`;
    return { type: 'abandoned', because, leftBehind };
  }
  const isMoving = pool !== undefined && pool.metadata.deletionTimestamp === undefined;
  const isUnproven = branchOf(spec).isExclusive === true && isMoving && isGone(mount, seen);
  if (isUnproven && !forgottenNodes(pool).includes(spec.nodeName)) return unproven(mount);
  if (isGone(mount, seen))
    return { type: 'abandoned', because: `node ${spec.nodeName} left the cluster`, leftBehind };
  if (forgottenNodes(pool).includes(spec.nodeName)) {
    const because = `the annotation ${annotations.forgetNode} names ${spec.nodeName}`;
    return { type: 'abandoned', because, leftBehind };
  }
  if (seen?.agent.state !== 'ready') return waitsForAgent(mount, seen);
  const cleanedUp = status?.conditions.find(({ type }) => type === 'CleanedUp');
  if (cleanedUp?.reason === 'CleanupBlocked' || cleanedUp?.reason === 'CleanupFailed')
    return { type: 'waits', reason: cleanedUp.reason, message: cleanedUp.message };
  const step = status?.phase === 'Unmounting' ? status.progress?.message : undefined;
  return {
    type: 'waits',
    reason: 'DeletionRequested',
    message: step ?? cleanedUp?.message ?? 'the agent has been asked to undo it',
  };
}

/** By this taint an administrator vouches that the machine is off. */
export const OUT_OF_SERVICE = 'node.kubernetes.io/out-of-service';

function unproven({ spec: { nodeName } }: NodeMount): Release {
  const message =
    `node ${nodeName} left the cluster, which does not prove that the machine is off, and mounted ` +
    `twice the data would be destroyed; make sure that it is off, then set the annotation ` +
    `${annotations.forgetNode}=${nodeName} on the pool`;
  return { type: 'waits', reason: 'StillInUseElsewhere', message };
}

/**
 * The machine that has the storage is not a node any more, and its agent is silent. A Node that was
 * registered anew has another uid, but while its agent reports it can still clean up.
 */
export function isGone(mount: NodeMount, seen: NodeSeen | undefined): boolean {
  if (seen?.agent.state === 'ready') return false;
  if (seen?.node === undefined) return true;
  return mount.spec.nodeUid !== undefined && seen.node.uid !== mount.spec.nodeUid;
}

/** One sentence about what nobody cleaned, with the names by which it can be found again. */
export function describeRemains(mount: NodeMount): string {
  const { spec, status } = mount;
  const place = status?.mountPath ?? spec.mountPath;
  const mounted = place === undefined ? '' : `, mounted at ${place}`;
  const what = branchOf(spec).describeRemains(mount);
  return `${spec.nodeName}: ${what}${mounted}`.slice(0, 512);
}

/** Names of nodes, with commas between them. */
function forgottenNodes(pool: AnyObject | undefined): string[] {
  const value = pool?.metadata.annotations?.[annotations.forgetNode] ?? '';
  return value.split(',').map((name) => name.trim());
}

function waitsForAgent(mount: NodeMount, seen: NodeSeen | undefined): Release {
  const { nodeName } = mount.spec;
  const message =
    `waits for ${describeSilence(nodeName, seen)}; if that machine is gone for good, set the ` +
    `annotation ${annotations.forgetNode}=${nodeName} on the pool`;
  return { type: 'waits', reason: 'AgentNotReady', message };
}

export function describeSilence(nodeName: string, seen: NodeSeen | undefined): string {
  const agent = seen?.agent;
  const since =
    agent?.state === 'silent' && agent.lastRenewedAt !== undefined
      ? `silent since ${agent.lastRenewedAt.slice(0, 19)}Z`
      : 'not heard of yet';
  return `the agent of ${nodeName}, ${since}`;
}
