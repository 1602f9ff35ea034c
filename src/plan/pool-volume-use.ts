// A disk that an instance holds or has let go of: the instance proves the attachment, this mirrors it and
// decides what becomes of the bytes afterwards.
import { timestamp } from '../api/conditions.ts';
import type { PoolInstance } from '../api/pool-instance.ts';
import type { PoolVolumeStatus } from '../api/pool-volume.ts';
import { planDrifted } from './adoption-volume.ts';
import { carriesTags, inPhase } from './member.ts';
import { isMirrored, type PoolVolumePlan as Plan, type PoolVolumeSnapshot } from './pool-volume.ts';
import { reclaimPolicyOf } from './pool-volume-deletion.ts';
import { DISAPPEARED, failed, poll, rest, tagsFor, withDisk } from './pool-volume-status.ts';

/** The holder's own status is the proof of attachment: this only mirrors it. */
export function planAttachment(
  snapshot: PoolVolumeSnapshot,
  holder: PoolInstance,
  status: PoolVolumeStatus,
  now: number,
): Plan {
  const held = (holder.status?.volumes ?? []).find(
    ({ uid }) => uid === snapshot.volume.metadata.uid,
  );
  if (!held) {
    if (status.phase === 'Attached') {
      return rest(inPhase(status, 'Detaching', `${holder.metadata.name} let go of it`, now), '');
    }
    return rest(inPhase(status, 'Attaching', `${holder.metadata.name} is to hold it`, now), '');
  }
  const { claimRef } = snapshot.volume.spec;
  const isRead = snapshot.disk !== 'unread' && snapshot.disk !== 'absent';
  if (status.phase === 'Attached' && isMirrored(snapshot.volume) && !isRead)
    return rest(status, 'is attached');
  if (snapshot.disk === 'unread') return rest(status, 'waits for a look at Azure');
  const because = `attached to ${holder.metadata.name} at LUN ${held.lun}`;
  const attached: PoolVolumeStatus = {
    ...inPhase(status, 'Attached', because, now),
    lun: held.lun,
    attachedAt: status.attachedAt ?? timestamp(now),
    ...(claimRef ? { claimedAt: status.claimedAt ?? timestamp(now) } : {}),
  };
  if (snapshot.disk === 'absent') return rest(attached, because);
  const { volume } = snapshot;
  const tags = tagsFor({ ...snapshot, volume: { ...volume, status: attached } }, 'attached');
  return {
    step: carriesTags(snapshot.disk.tags, tags)
      ? undefined
      : { type: 'tagDisk', id: snapshot.disk.id, tags },
    because,
    status: withDisk(attached, snapshot.disk),
  };
}

/** Released by its instance: used disks are kept or retired, never handed out again as fresh ones. */
export function planReturn(
  snapshot: PoolVolumeSnapshot,
  status: PoolVolumeStatus,
  now: number,
): Plan {
  const { volume, disk } = snapshot;
  if (disk === 'unread') return rest(status, 'waits for a look at Azure');
  if (disk === 'absent') {
    return failed(status, DISAPPEARED, now);
  }
  if (disk.managedBy !== undefined || disk.diskState !== 'Unattached') {
    const waiting = withDisk(inPhase(status, 'Detaching', 'Azure is detaching it', now), disk);
    return {
      step: undefined,
      because: 'Azure is detaching it',
      status: waiting,
      waitMilliseconds: poll(snapshot, 0),
    };
  }
  const { lun: _, attachedAt: __, claimedAt: ___, ...loose } = withDisk(status, disk);
  const { lastClaimRef, exposedTo } = volume.spec;
  if (lastClaimRef === undefined && exposedTo !== undefined) return discard(loose, exposedTo.name);
  if (lastClaimRef === undefined) {
    const because = 'detached unused';
    const tags = tagsFor(snapshot, 'free');
    return {
      step: { type: 'tagDisk', id: disk.id, tags },
      because,
      status: { ...inPhase(loose, 'Free', because, now), freeSince: timestamp(now) },
    };
  }
  const because = `released by claim ${lastClaimRef.name}`;
  const retained: PoolVolumeStatus = {
    ...inPhase(loose, 'Retained', because, now),
    releasedAt: timestamp(now),
    reclaimPolicy: reclaimPolicyOf(snapshot),
  };
  const tags = tagsFor({ ...snapshot, volume: { ...volume, status: retained } }, 'retained');
  return { step: { type: 'tagDisk', id: disk.id, tags }, because, status: retained };
}

export function planRest(
  snapshot: PoolVolumeSnapshot,
  status: PoolVolumeStatus,
  now: number,
): Plan {
  const drifted = planDrifted(snapshot, status, now);
  if (drifted) return drifted;
  const { lastClaimRef, exposedTo } = snapshot.volume.spec;
  if (lastClaimRef === undefined && exposedTo !== undefined) return discard(status, exposedTo.name);
  if (lastClaimRef === undefined) return rest(status, 'is free');
  // Decided when its claim let go of it: what the pool says now is for those that are released from now on.
  const policy = status.reclaimPolicy ?? 'Retain';
  if (policy !== 'Retain') {
    return { step: { type: 'retire' }, because: `reclaimPolicy is ${policy}`, status };
  }
  return rest(inPhase(status, 'Retained', 'released, kept with its bytes', now), '');
}

/** A machine in somebody's hands ran with it: never handed out as fresh, and nobody's bytes to keep. */
function discard(status: PoolVolumeStatus, claim: string): Plan {
  const because = `the machine of claim ${claim} ran with it`;
  return { step: { type: 'retire' }, because, status };
}
