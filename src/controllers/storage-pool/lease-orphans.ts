// Disks whose StoragePool is gone although it had them: its finalizer was taken off by hand, or it did not
// come back from a backup. Once no mount of it is left they are detached and kept: nobody said what is to
// become of the bytes.
import type { StoragePool } from '../../api/storage-pool.ts';
import type { CallContext } from '../../azure/port.ts';
import type { Key, Result } from '../../kube/index.ts';
import { planLeaseRelease } from '../../plan/volume-lease-release.ts';
import type { Log } from '../../runtime/log.ts';
import type { ControllerContext } from '../context.ts';
import { resultOf } from '../result.ts';
import { BY_STORAGE_POOL } from '../stores.ts';
import { lookAtLease } from './lease.ts';
import { applyLease } from './lease-steps.ts';

/** `key` is that of a StoragePool that does not exist. */
export async function giveOrphansBack(
  context: ControllerContext,
  key: Key,
  { log, call }: { log: Log; call: CallContext },
): Promise<Result> {
  const { stores } = context;
  const [namespace = '', name = ''] = key.split('/');
  const orphans = stores.poolVolumes.list(namespace).filter(({ spec }) => {
    return spec.node !== undefined && spec.claimRef?.name === name;
  });
  const owner = orphans[0]?.spec.claimRef;
  if (!owner) return { type: 'done' };
  const pool = remainsOf(owner);
  const { snapshot, live, error } = await lookAtLease(
    context,
    {
      pool,
      volumePool: undefined,
      leased: orphans.filter(({ spec }) => spec.claimRef?.uid === owner.uid),
      stock: [],
      node: undefined,
      hasAgent: false,
      hasMount: stores.nodeMounts.byIndex(BY_STORAGE_POOL, owner.uid).length > 0,
      mount: undefined,
      reserved: [],
      pollPace: context.pollPace,
    },
    call,
  );
  if (error) return { type: 'retry', error };
  const plan = planLeaseRelease(snapshot, true, context.runtime.clock.now());
  for (const step of plan.steps)
    await applyLease(context, { log, pool, live, call }, step, { lostRaces: 0 });
  const because = plan.waits?.message ?? 'its pool is gone';
  const { waitMilliseconds } = plan;
  return resultOf({ because, ...(waitMilliseconds === undefined ? {} : { waitMilliseconds }) });
}

/** What is known of a pool that is gone: that it was one, and whose. */
function remainsOf(owner: { namespace: string; name: string; uid: string }): StoragePool {
  const { namespace, name, uid } = owner;
  const volumes = { poolRef: { name: '' }, count: 0 };
  return {
    apiVersion: 'poolkeeper.dev/v1alpha1',
    kind: 'StoragePool',
    metadata: { namespace, name, uid, deletionTimestamp: '1970-01-01T00:00:00Z' },
    spec: {
      type: 'mdadm',
      mdadm: { nodeName: '', source: { type: 'Volumes', volumes } },
      deletionPolicy: 'Retain',
    },
  } as unknown as StoragePool;
}
