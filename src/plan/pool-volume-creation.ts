// A disk on its way: asked for once, looked at until it is there, tagged as free.
import { timestamp } from '../api/conditions.ts';
import type { PoolVolumeStatus } from '../api/pool-volume.ts';
import { planAdoptedVolume } from './adoption-volume.ts';
import { carriesTags, heldBack, inPhase, ownsTags, withoutOperation } from './member.ts';
import { diskName, type PoolVolumePlan as Plan, type PoolVolumeSnapshot } from './pool-volume.ts';
import { DISAPPEARED, failed, polled, rest, tagsFor, withDisk } from './pool-volume-status.ts';

/** An accepted creation whose disk does not show after this long is asked for again. */
const CREATION_VISIBLE_MILLISECONDS = 120_000;

export function planCreation(
  snapshot: PoolVolumeSnapshot,
  status: PoolVolumeStatus,
  now: number,
): Plan {
  const { volume, disk, operation } = snapshot;
  const adopted = planAdoptedVolume(snapshot, (live) => withDisk(status, live), now);
  if (adopted) return adopted;
  const tags = tagsFor(snapshot, 'creating');
  const startedAt = status.operation && Date.parse(status.operation.startedAt);
  if (operation?.state === 'Failed') return failed(status, operation, now);
  if (disk === 'unread') return rest(status, 'waits for a look at Azure');
  if (disk === 'absent') {
    const accepted = startedAt !== undefined && operation?.state !== 'Unknown';
    if (accepted && now - startedAt < CREATION_VISIBLE_MILLISECONDS)
      return polled(snapshot, status, now);
    // What was found and is gone again is not made anew: its bytes are lost all the same.
    if (volume.spec.adopt) return failed(status, DISAPPEARED, now);
    if (snapshot.refusal) return heldBack(status, snapshot.refusal, now);
    const because = 'the record exists, the disk does not';
    return {
      step: { type: 'createDisk', name: diskName(volume), tags },
      because,
      status: inPhase(status, 'Creating', because, now),
    };
  }
  const foreign = !ownsTags(volume, disk.tags);
  if (foreign) {
    return failed(
      status,
      { code: 'ForeignChange', message: `disk ${disk.name} is not tagged as ours` },
      now,
    );
  }
  const seen = withDisk(status, disk);
  if (disk.provisioningState === 'Failed') {
    return failed(
      seen,
      { code: 'CreateFailed', message: `Azure failed to create disk ${disk.name}` },
      now,
    );
  }
  // On a machine already: this status is late, and what the machine says of the disk comes next.
  const isHeld = disk.managedBy !== undefined;
  if (disk.provisioningState !== 'Succeeded' || (disk.diskState !== 'Unattached' && !isHeld)) {
    return polled(snapshot, inPhase(seen, 'Creating', 'Azure is making it', now), now);
  }
  const free = tagsFor(snapshot, 'free');
  const because = 'Azure has made it';
  const done = inPhase(withoutOperation(seen), 'Free', because, now);
  const time = timestamp(now);
  return {
    step:
      isHeld || carriesTags(disk.tags, free)
        ? undefined
        : { type: 'tagDisk', id: disk.id, tags: free },
    because,
    status: { ...done, createdAt: done.createdAt ?? time, freeSince: time },
  };
}
