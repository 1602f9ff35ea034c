// A logical unit of an iSCSI target on its one node: the next step to have it mounted.
//
// A unit is somebody's disk like any other: it is formatted only when every probe and both ends prove
// it blank, mounted as it is when it holds the filesystem that is asked for, and refused otherwise.
import { type DeviceFacts, describeDevice, identityKey, identityOf } from './disks.ts';
import { derivedUuid, isSameUuid } from './node-mount-identity.ts';
import type { IscsiFacts, IscsiIntent } from './node-mount-iscsi-facts.ts';
import { planMounting } from './node-mount-mountpoint.ts';
import { mountedAs, planChange } from './node-mount-network.ts';
import { type NodeMountPlan, type Note, refuse, step, type UnitTarget } from './node-mount-step.ts';

const LOGGED_IN = 'LOGGED_IN';
const protections = ['nosuid', 'nodev'];

/** What a session depends on: when it changes, the target is logged in to anew. */
export function loginOf({ portal, credentialsVersion }: IscsiIntent): string {
  return credentialsVersion === undefined ? portal : `${portal} credentials ${credentialsVersion}`;
}

export function unitTarget(intent: IscsiIntent, device: DeviceFacts): UnitTarget {
  const { target, lun } = intent;
  return { target, lun, device: { path: device.path, identity: identityOf(device) } };
}

export function planIscsi(intent: IscsiIntent, facts: IscsiFacts): NodeMountPlan {
  if (facts.missing.length > 0)
    return refuse('PrerequisitesMissing', `The node lacks ${facts.missing.join(', ')}.`);
  const isMounted = facts.mountPoint.mounts.at(-1)?.isOurs === true;
  if (isMounted && facts.isMountDead) return planDeadMount(facts);
  const change = isMounted ? planMountChange(intent, facts) : undefined;
  if (change && 'type' in change) return change;
  const session = planSession(intent, facts, isMounted);
  if (session) return session;
  const { unit } = facts;
  if (unit.type === 'unusable') return refuse(unit.reason, unit.message);
  if (unit.type === 'absent')
    return step(`The session is there, logical unit ${intent.lun} is not.`, {
      type: 'awaitUnit',
      target: intent.target,
      lun: intent.lun,
    });
  return planUnit(intent, facts, { device: unit.device, isMounted, note: change });
}

/** The device went away under the mount and may come back under another name. */
function planDeadMount({ mountPoint }: IscsiFacts): NodeMountPlan {
  return step('The device behind the mount is gone.', {
    type: 'unmount',
    path: mountPoint.path,
    byForce: true,
  });
}

/** Changed credentials need another session, for which every mount of the unit has to go first. */
function planMountChange(intent: IscsiIntent, facts: IscsiFacts): NodeMountPlan | Note | undefined {
  const wanted = mountedAs(loginOf(intent), mountOptionsOf(intent), undefined);
  const keys = intent.hasCredentials ? ['username', 'password'] : [];
  const change = planChange(facts, wanted, keys);
  const { otherTargets } = facts.mountPoint;
  if (!change || otherTargets.length === 0) return change;
  const users = describeTargets(otherTargets);
  const message = `What it is mounted with has changed; that counts once ${users} let go of it.`;
  return { reason: 'RemountPending', message };
}

const TARGETS_SHOWN_MAX = 3;

function describeTargets(targets: readonly string[]): string {
  const more = targets.length - TARGETS_SHOWN_MAX;
  const shown = targets.slice(0, TARGETS_SHOWN_MAX).map(describeTarget).join(', ');
  return more > 0 ? `${shown} and ${more} more` : shown;
}

/** Where the kubelet mounts a volume for a pod, its path tells whose it is. */
function describeTarget(path: string): string {
  const pod = /\/kubelet\/pods\/([0-9a-f-]{36})\//.exec(path);
  return pod ? `the pod with uid ${pod[1]}` : path;
}

function mountOptionsOf(intent: IscsiIntent): string[] {
  return ['_netdev', ...intent.mountOptions, ...protections];
}

function planSession(
  intent: IscsiIntent,
  facts: IscsiFacts,
  isMounted: boolean,
): NodeMountPlan | undefined {
  const { portal, target, hasCredentials } = intent;
  const { sessions, journal, othersOnTarget } = facts;
  const loggedInAs = loginOf(intent);
  if (sessions.length === 0)
    return step(`${target} is not logged in to.`, {
      type: 'loginTarget',
      portal,
      target,
      hasCredentials,
      loggedInAs,
    });
  const known = journal.session ?? 'none';
  if (known === 'none')
    return step(`A session to ${target} is there already.`, {
      type: 'recordSession',
      target,
      loggedInAs,
      isShared: othersOnTarget.length > 0,
    });
  const isOurs = known === 'made' || known === 'unknown';
  const differs = journal.loggedInAs !== undefined && journal.loggedInAs !== loggedInAs;
  if (differs && isOurs && !isMounted && othersOnTarget.length === 0)
    return step('The portal or the credentials have changed.', {
      type: 'logoutTarget',
      portal: journal.loggedInAs?.split(' ')[0] ?? portal,
      target,
    });
  const working = sessions.filter(({ state }) => state === LOGGED_IN);
  if (working.length > 0) return undefined;
  const states = sessions.map(({ portal: at, state }) => `${at} is ${state}`).join(', ');
  return {
    type: 'unanswered',
    reason: 'ServerNotResponding',
    message: `The target ${target} does not answer (${states}); the session is being recovered.`,
  };
}

function planUnit(
  intent: IscsiIntent,
  facts: IscsiFacts,
  now: { device: DeviceFacts; isMounted: boolean; note: Note | undefined },
): NodeMountPlan {
  const { device, isMounted, note } = now;
  const owner = facts.claimedByOthers.get(identityKey(device));
  if (owner !== undefined)
    return refuse('DeviceClaimed', `${describeDevice(device)} belongs to ${owner}.`);
  const isClaimed = facts.journal.claims.some((one) => identityKey(one) === identityKey(device));
  if (!isClaimed && facts.journal.claims.length > 0 && facts.journal.filesystem !== 'none')
    return refuse(
      'DeviceChanged',
      `Logical unit ${intent.lun} of ${intent.target} is another device than before: ` +
        `${describeDevice(device)}. Nothing is done to it.`,
    );
  if (!isClaimed)
    return step('The unit is reserved before anything is written.', {
      type: 'claimDevices',
      targets: [{ path: device.path, identity: identityOf(device) }],
    });
  const content = isMounted ? undefined : planContent(intent, facts, device);
  if (content) return content;
  return planUnitMount(intent, facts, { device, note });
}

/** Undefined once the unit holds the filesystem that is asked for. */
function planContent(
  intent: IscsiIntent,
  facts: IscsiFacts,
  device: DeviceFacts,
): NodeMountPlan | undefined {
  const { filesystem: found, journal } = facts;
  const what = `Logical unit ${intent.lun} (${describeDevice(device)})`;
  const wasActive = journal.active || intent.wasActive;
  const isAnew = journal.filesystem === 'unknown' && !wasActive;
  const uuid = derivedUuid(intent.poolUid, 'filesystem');
  if (device.isReadOnly) return refuse('DeviceReadOnly', `${what} is read-only.`);
  if (found.type === 'unknown')
    return refuse('DeviceUnreadable', `${what}: what it holds can't be told: ${found.message}`);
  if (found.type === 'found') {
    const isHalfMade = isAnew && isSameUuid(found.uuid, uuid);
    if (isHalfMade)
      return step('Making the filesystem was interrupted; it is begun anew.', {
        type: 'eraseUnit',
        unit: unitTarget(intent, device),
        uuid,
        isAnew,
      });
    if (found.filesystem !== intent.filesystem)
      return refuse(
        'FilesystemMismatch',
        `${what} holds ${found.filesystem}, not ${intent.filesystem}. Nothing is done to it.`,
      );
    return journal.filesystem === 'none'
      ? step(`The unit holds ${found.filesystem} already and is used as it is.`, {
          type: 'recordFilesystem',
        })
      : undefined;
  }
  const mayFormat = !wasActive && journal.filesystem !== 'made';
  if (!mayFormat)
    return refuse(
      'FilesystemMismatch',
      `${what} has lost its filesystem. It is not made anew, as that would destroy what may be left.`,
    );
  const notBlank = refuseNotBlank(what, device, isAnew);
  if (notBlank) return notBlank;
  // From here on what is found on it is somebody else's, not remains of the attempt before.
  if (isAnew && device.contents?.ends === 'zero')
    return step('Nothing of the interrupted attempt is on the unit.', { type: 'recordBlank' });
  return step('The unit is blank and reserved.', {
    type: 'formatUnit',
    unit: unitTarget(intent, device),
    filesystem: intent.filesystem,
    uuid,
    options: intent.mkfsOptions,
    isAnew,
  });
}

/**
 * Blank means: every probe found nothing and both ends were read and are zero. After an interrupted
 * mkfs of ours, what lies there is its remains: the journal had it blank before.
 */
export function refuseNotBlank(
  what: string,
  { contents, children, holders, mountPoints }: DeviceFacts,
  isAnew: boolean,
): NodeMountPlan | undefined {
  const users = [...mountPoints, ...holders];
  if (users.length > 0) return refuse('DeviceInUse', `${what} is in use: ${users.join(', ')}.`);
  if (contents === undefined || contents.ends === 'unreadable' || contents.signatures === 'failed')
    return refuse('DeviceUnreadable', `${what} could not be read, so nothing is written to it.`);
  if (contents.superblock.type === 'failed')
    return refuse(
      'DeviceUnreadable',
      `${what} could not be examined, so nothing is written to it.`,
    );
  if (contents.ends === 'busy')
    return refuse('DeviceInUse', `${what} cannot be opened exclusively; something uses it.`);
  const advice =
    'A unit is formatted only when it is blank: erase it yourself if nobody needs that.';
  if (contents.superblock.type === 'member')
    return refuse(
      'DeviceNotBlank',
      `${what} is a member of the array ${contents.superblock.name}. ${advice}`,
    );
  if (children.length > 0) return refuse('DeviceNotBlank', `${what} has partitions. ${advice}`);
  if (contents.signatures !== 'none')
    return refuse(
      'DeviceNotBlank',
      `${what} holds ${contents.types.join(' and ') || 'several filesystems at once'}. ${advice}`,
    );
  if (contents.ends === 'data' && !isAnew)
    return refuse('DeviceNotBlank', `${what} holds data that no tool recognises. ${advice}`);
  return undefined;
}

function planUnitMount(
  intent: IscsiIntent,
  facts: IscsiFacts,
  { device, note }: { device: DeviceFacts; note: Note | undefined },
): NodeMountPlan {
  const { mountPoint, journal, filesystem, answer } = facts;
  const options = mountOptionsOf(intent);
  const trouble = planUnitTrouble(intent, facts);
  if (trouble) return trouble;
  const mounting = planMounting(
    { intent, mountPoint, journal },
    {
      source: device.path,
      filesystem: intent.filesystem,
      options,
      uuid: filesystem.type === 'found' ? filesystem.uuid : undefined,
      hasMarker: answer.type !== 'silent',
      replacesMarker: false,
      isReadOnly: facts.isReadOnly,
      mountedAs: mountedAs(loginOf(intent), options, undefined),
    },
  );
  return mounting ?? { type: 'settled', ...(note && { note }) };
}

function planUnitTrouble(intent: IscsiIntent, facts: IscsiFacts): NodeMountPlan | undefined {
  const { answer, isReadOnly, mountPoint } = facts;
  const what = `Logical unit ${intent.lun} of ${intent.target}`;
  if (answer.type === 'silent') {
    const message = `${what} has not answered since ${answer.since}; whoever uses it waits.`;
    return { type: 'unanswered', reason: 'ServerNotResponding', message };
  }
  if (answer.type === 'failed' || answer.type === 'stale') {
    const why = answer.type === 'failed' ? answer.message : 'its handle is stale';
    const message = `${what} is mounted at ${mountPoint.path} but can't be used: ${why}`;
    return { type: 'unanswered', reason: 'ServerNotResponding', message };
  }
  const isWished = intent.mountOptions.includes('ro');
  if (!isReadOnly || isWished) return undefined;
  return refuse(
    'FilesystemReadOnly',
    `The kernel has made the filesystem at ${mountPoint.path} read-only after errors. Look at the ` +
      "kernel's log and the target; it becomes writable when it is unmounted, checked and mounted again.",
  );
}
