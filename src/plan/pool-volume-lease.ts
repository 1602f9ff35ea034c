// A disk that belongs to a StoragePool and is, or is to be, attached to the VM of its node. The StoragePool
// attaches and detaches it and tells in its status where; this mirrors that, and notices what contradicts it.
import { timestamp } from '../api/conditions.ts';
import type { PoolVolumeStatus } from '../api/pool-volume.ts';
import { carriesTags, inPhase, ownsTags } from './member.ts';
import { isSameResource } from './node-machine.ts';
import type { PoolVolumePlan as Plan, PoolVolumeSnapshot } from './pool-volume.ts';
import { DISAPPEARED, failed, rest, tagsFor, withDisk } from './pool-volume-status.ts';

export function planLeased(
  snapshot: PoolVolumeSnapshot,
  node: { readonly name: string; readonly machineId: string },
  before: PoolVolumeStatus,
  now: number,
): Plan {
  const { disk, lease } = snapshot;
  if (disk === 'absent') return failed(before, DISAPPEARED, now);
  const isTold = lease?.state === 'Attached' || lease?.state === 'Leaving';
  if (disk === 'unread') {
    if (before.phase !== 'Attached') return rest(before, 'waits for a look at Azure');
    return isTold ? rest(before, 'is attached') : rest(attaching(before, node.name, now), '');
  }
  if (!ownsTags(snapshot.volume, disk.tags)) {
    const message = `disk ${disk.name} is not tagged as ours`;
    return failed(before, { code: 'ForeignChange', message }, now);
  }
  const seen = withDisk(before, disk);
  if (!isTold || !isSameResource(disk.managedBy, node.machineId))
    return rest(attaching(seen, node.name, now), '');
  const because = `attached to node ${node.name} at LUN ${lease.lun}`;
  const attached: PoolVolumeStatus = {
    ...inPhase(seen, 'Attached', because, now),
    ...(lease.lun === undefined ? {} : { lun: lease.lun }),
    attachedAt: before.attachedAt ?? timestamp(now),
    claimedAt: before.claimedAt ?? timestamp(now),
  };
  const { volume } = snapshot;
  const tags = tagsFor({ ...snapshot, volume: { ...volume, status: attached } }, 'attached');
  return {
    step: carriesTags(disk.tags, tags) ? undefined : { type: 'tagDisk', id: disk.id, tags },
    because,
    status: attached,
  };
}

function attaching(status: PoolVolumeStatus, nodeName: string, now: number): PoolVolumeStatus {
  return inPhase(status, 'Attaching', `node ${nodeName} is to have it`, now);
}
