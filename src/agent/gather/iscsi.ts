// One look at a logical unit: sessions, the device, what is on it, where it is mounted.
import type { FilesystemFacts } from '../../plan/node-mount-facts.ts';
import type { IscsiFacts, IscsiIntent, UnitFacts } from '../../plan/node-mount-iscsi-facts.ts';
import { deviceNumber } from '../arrays.ts';
import { readFilesystem } from '../filesystems.ts';
import type { HostPort } from '../host-port.ts';
import { hasRecord, lookAtUnit, readSessions, type TargetSession } from '../iscsi.ts';
import { hostMounts, inspectMountPoint, type MountEntry, readMarker } from '../mounts.ts';
import { missingForIscsi } from '../preflight.ts';
import type { GatherContext } from './context.ts';

export async function gatherIscsi(
  intent: IscsiIntent,
  uid: string,
  context: GatherContext,
): Promise<IscsiFacts> {
  const { host, journal, claims, preflight, prober } = context;
  const journalFacts = journal.facts(uid);
  const sessions = await readSessions(host, intent.target);
  const isAlive = sessions.some(({ state }) => state === 'LOGGED_IN');
  // While the target is silent every look at the disk would wait with it.
  const unit: UnitFacts = isAlive
    ? await lookAtUnit(host, sessions, intent.lun)
    : { type: 'absent' };
  const number =
    unit.type === 'found' ? await deviceNumber(host, unit.device.kernelName) : undefined;
  const here = (await hostMounts(host)).findLast(({ target }) => target === intent.mountPath);
  const isOurDevice = ({ device }: MountEntry): boolean => device === number;
  const mountPoint = await inspectMountPoint(host, {
    path: intent.mountPath,
    isOurs: (entry) => isOurDevice(entry) || isFormer(entry, journalFacts.mountedSource, intent),
    readsMarker: false,
    findsForeignHolders: intent.isDeleting && number !== undefined,
  });
  const isMounted = mountPoint.mounts.at(-1)?.isOurs === true;
  const isMountDead = isMounted && isGone(here, { number, sessions });
  const answer =
    isMounted && isAlive && !isMountDead
      ? await prober.askFilesystem(host, intent.mountPath)
      : ({ type: 'notAsked' } as const);
  return {
    sessions: sessions.map(({ id, portal, state }) => ({ id, portal, state })),
    hasRecord: await hasRecord(host, intent.target),
    unit,
    filesystem: isMounted ? mountedFilesystem(here) : await filesystemOf(host, unit),
    isMountDead,
    isReadOnly: isMounted && here?.superOptions.includes('ro') === true,
    answer,
    othersOnTarget: othersOn(intent.target, uid, journal),
    claimedByOthers: claims.ofOthers(uid),
    mountPoint:
      answer.type === 'answers'
        ? { ...mountPoint, marker: await readMarker(host, intent.mountPath) }
        : mountPoint,
    journal: journalFacts,
    missing: missingForIscsi(preflight, intent.filesystem),
  };
}

/** Mounted by us from a device that has another name by now, or none at all. */
function isFormer(
  { source, target }: MountEntry,
  mountedSource: string | undefined,
  { mountPath }: IscsiIntent,
): boolean {
  return target === mountPath && mountedSource !== undefined && source === mountedSource;
}

/** A session that is being recovered keeps its devices: only another or none proves them gone. */
function isGone(
  here: MountEntry | undefined,
  { number, sessions }: { number: string | undefined; sessions: readonly TargetSession[] },
): boolean {
  if (number !== undefined) return here?.device !== number;
  return sessions.length === 0;
}

function mountedFilesystem(here: MountEntry | undefined): FilesystemFacts {
  return here ? { type: 'found', filesystem: here.filesystem, uuid: undefined } : { type: 'none' };
}

async function filesystemOf(host: HostPort, unit: UnitFacts): Promise<FilesystemFacts> {
  return unit.type === 'found' ? readFilesystem(host, unit.device.path) : { type: 'none' };
}

function othersOn(target: string, uid: string, journal: GatherContext['journal']): string[] {
  return journal
    .entries()
    .filter((entry) => entry.uid !== uid && entry.iscsiTarget === target)
    .filter(({ cleanedUp, session }) => !cleanedUp && session !== undefined && session !== 'none')
    .map(({ namespace, name }) => `${namespace}/${name}`);
}
