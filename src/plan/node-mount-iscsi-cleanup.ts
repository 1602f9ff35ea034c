// Letting go of a logical unit: unmount, erase what the policy says, log out, and look whether the
// session is really gone.
import { describeDevice } from './disks.ts';
import { derivedUuid, isSameUuid } from './node-mount-identity.ts';
import { unitTarget } from './node-mount-iscsi.ts';
import type { IscsiFacts, IscsiIntent } from './node-mount-iscsi-facts.ts';
import { planUnmounting } from './node-mount-mountpoint.ts';
import { type NodeMountPlan, step } from './node-mount-step.ts';

export function planIscsiCleanup(intent: IscsiIntent, facts: IscsiFacts): NodeMountPlan {
  const { mountPoint, journal, sessions } = facts;
  const isAlive = sessions.some(({ state }) => state === 'LOGGED_IN') && !facts.isMountDead;
  const { marker } = mountPoint;
  const isMarked = marker.type === 'found' && marker.poolUid === intent.poolUid;
  // Where nothing can be written the mark stays, and tells whoever comes next.
  if (isAlive && isMarked && !facts.isReadOnly)
    return step('Another pool may use the filesystem from now on.', {
      type: 'removeMarker',
      mountPath: mountPoint.path,
    });
  const unmounting = planUnmounting({ intent, mountPoint, journal }, !isAlive);
  if (unmounting) return unmounting;
  if (mountPoint.otherTargets.length > 0)
    return blocked(`The unit is also mounted at ${mountPoint.otherTargets.join(', ')}.`);
  if (mountPoint.foreignHolders.length > 0)
    return blocked(
      `Other processes hold the filesystem mounted: ${mountPoint.foreignHolders.join(', ')}. ` +
        'The session can end once they have ended or let go of it.',
    );
  const erasing = planErasing(intent, facts);
  if (erasing) return erasing;
  if (journal.claims.length > 0)
    return step('Nothing of the pool needs the unit any more.', { type: 'releaseDevices' });
  const logout = planLogout(intent, facts);
  if (logout) return logout;
  return { type: 'cleanedUp', kept: describeKept(intent, facts) };
}

/**
 * Before the pool ever was complete, what it made goes, but never what it found; afterwards only on
 * confirmed Destroy.
 */
function erases(intent: IscsiIntent, { journal, filesystem }: IscsiFacts): boolean {
  if (journal.filesystem === 'none') return false;
  if (intent.deletionPolicy === 'Destroy') return true;
  if (!journal.exists || journal.active || intent.wasActive) return false;
  const isOwn = filesystem.type === 'found' && isSameUuid(filesystem.uuid, ownUuid(intent));
  return journal.filesystem === 'unknown' ? filesystem.type === 'none' || isOwn : isOwn;
}

function ownUuid(intent: IscsiIntent): string {
  return derivedUuid(intent.poolUid, 'filesystem');
}

function planErasing(intent: IscsiIntent, facts: IscsiFacts): NodeMountPlan | undefined {
  const { unit, journal, sessions } = facts;
  if (!erases(intent, facts)) return undefined;
  if (unit.type !== 'found') {
    // With a session the unit is awaited; without one nobody can erase anything.
    if (sessions.length === 0) return undefined;
    const message =
      `Logical unit ${intent.lun} of ${intent.target} does not appear, so nothing proves that it is ` +
      'erased. Bring the target back; if it is gone for good, set the annotation ' +
      `poolkeeper.dev/forget-node on the pool to the name of the node.`;
    return { type: 'blocked', reason: 'CleanupFailed', message };
  }
  const { device } = unit;
  const isClaimed = journal.claims.length > 0;
  if (!isClaimed) return undefined;
  const { contents } = device;
  if (contents?.ends === 'unreadable')
    return {
      type: 'blocked',
      reason: 'CleanupFailed',
      message: `${describeDevice(device)} can't be read, so nothing proves that it is erased.`,
    };
  const isClean = contents?.signatures === 'none' && contents.ends === 'zero';
  if (isClean) return undefined;
  return step('Nobody shall find this filesystem any more.', {
    type: 'eraseUnit',
    unit: unitTarget(intent, device),
    uuid: ownUuid(intent),
    isAnew: false,
  });
}

function planLogout(intent: IscsiIntent, facts: IscsiFacts): NodeMountPlan | undefined {
  const { journal, sessions, hasRecord, othersOnTarget } = facts;
  const isOurs = journal.session === 'made' || journal.session === 'unknown';
  if (!isOurs || othersOnTarget.length > 0) return undefined;
  if (sessions.length === 0 && !hasRecord) return undefined;
  const { portal, target } = intent;
  return step('The session was made for this pool.', {
    type: 'logoutTarget',
    portal: journal.loggedInAs?.split(' ')[0] ?? portal,
    target,
  });
}

function describeKept(intent: IscsiIntent, facts: IscsiFacts): string | undefined {
  const { sessions, othersOnTarget, journal } = facts;
  if (sessions.length > 0) {
    const why =
      othersOnTarget.length > 0
        ? `${othersOnTarget.join(', ')} use it too`
        : 'it was there before this pool';
    return `The session to ${intent.target} stays: ${why}.`;
  }
  if (journal.detachedLazily)
    return 'The mount was detached although its target did not answer; what was not written yet may be lost.';
  return undefined;
}

function blocked(message: string): NodeMountPlan {
  return { type: 'blocked', reason: 'CleanupBlocked', message };
}
