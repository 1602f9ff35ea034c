// Letting go of the mounts of a pool: which may go, what of them is put on record first, and what a
// deletion waits for.
import type { NodeMount } from '../api/node-mount.ts';
import type { StoragePool } from '../api/storage-pool.ts';
import type { NodeSeen } from './storage-pool-children.ts';
import type { PoolDeletion } from './storage-pool-conditions.ts';
import { findNode } from './storage-pool-lookup.ts';
import { judgeRelease, type Release } from './storage-pool-release.ts';

export interface MountRelease {
  readonly type: 'releaseMount';
  readonly mount: NodeMount;
  readonly because: string;
  /** What stays on the node because the policy says so. */
  readonly kept?: string | undefined;
  /** What stays there because nobody could clean it. */
  readonly leftBehind?: string | undefined;
}

/** Fewer than the status can hold, so that none is pushed out before its mount was let go of. */
const RECORDED_PER_PASS_MAX = 16;

interface Seen {
  readonly pool: StoragePool;
  readonly nodes: readonly NodeSeen[];
}

/** Mounts whose pool is gone are let go of by the same rules; nothing else is done to them. */
export function planOrphans(
  mounts: readonly NodeMount[],
  nodes: readonly NodeSeen[],
): MountRelease[] {
  return mounts.flatMap((mount) => {
    const release = judgeRelease(mount, findNode(nodes, mount.spec.nodeName), undefined);
    return releaseStep(mount, release) ?? [];
  });
}

export interface Releases {
  readonly steps: MountRelease[];
  readonly leftBehind: string[];
  /** Something is to be let go of as soon as what it leaves behind is on record. */
  readonly isRecording: boolean;
}

export function planReleases({ pool, nodes }: Seen, mounts: readonly NodeMount[]): Releases {
  const recorded = new Set(pool.status?.leftBehind ?? []);
  const steps: MountRelease[] = [];
  const leftBehind: string[] = [];
  for (const mount of mounts) {
    const release = judgeRelease(mount, findNode(nodes, mount.spec.nodeName), pool);
    if (release.type === 'abandoned' && !recorded.has(release.leftBehind)) {
      if (leftBehind.length < RECORDED_PER_PASS_MAX) leftBehind.push(release.leftBehind);
    } else steps.push(...(releaseStep(mount, release) ?? []));
  }
  return { steps, leftBehind, isRecording: leftBehind.length > 0 };
}

function releaseStep(mount: NodeMount, release: Release): MountRelease[] | undefined {
  if (release.type === 'cleaned')
    return [
      { type: 'releaseMount', mount, because: 'its agent has cleaned up', kept: release.kept },
    ];
  if (release.type !== 'abandoned') return undefined;
  const { because, leftBehind } = release;
  return [{ type: 'releaseMount', mount, because, leftBehind }];
}

/** What the deletion waits for. */
export function describeDeletion(seen: Seen, own: readonly NodeMount[]): PoolDeletion {
  const wait = describeWait(seen, own);
  if (wait) return wait;
  const message = own.length === 0 ? 'nothing is left to wait for' : 'its mounts are going away';
  return { reason: 'DeletionRequested', message };
}

/** What nodes that the pool does not ask for any more have yet to do; undefined when there is nothing. */
export function describeLeaving(seen: Seen, own: readonly NodeMount[]): PoolDeletion | undefined {
  const wait = describeWait(seen, own);
  return wait && { ...wait, message: `not asked for any more on ${wait.message}` };
}

/** The most telling thing that is waited for: what is stuck before what is under way. */
function describeWait({ pool, nodes }: Seen, own: readonly NodeMount[]): PoolDeletion | undefined {
  const waits = own.flatMap((mount) => {
    const release = judgeRelease(mount, findNode(nodes, mount.spec.nodeName), pool);
    return release.type === 'waits' ? [{ node: mount.spec.nodeName, ...release }] : [];
  });
  const stuck = waits.find(({ reason }) => reason !== 'DeletionRequested') ?? waits[0];
  if (!stuck) return undefined;
  const others = waits.length > 1 ? `; and ${waits.length - 1} more nodes` : '';
  return { reason: stuck.reason, message: `${stuck.node}: ${stuck.message}${others}` };
}
