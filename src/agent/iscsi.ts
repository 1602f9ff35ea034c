// iSCSI as open-iscsi tells of it: sessions, records, and which disk is which logical unit. The tool's
// own report is read rather than udev's links, which some hosts lack and others make late.
import type { DeviceFacts } from '../plan/disks.ts';
import type { IscsiSession, UnitFacts } from '../plan/node-mount-iscsi-facts.ts';
import { PoolkeeperError } from '../runtime/errors.ts';
import { probe } from './command-runner.ts';
import type { HostPort } from './host-port.ts';
import { readContents } from './inventory/contents.ts';
import { listDevices } from './inventory/lsblk.ts';

const NO_OBJECTS = 21;
const NO_DAEMON = 20;
const PROGRAM_MISSING = 127;

export interface AttachedUnit {
  readonly lun: number;
  /** Absent while the kernel has no disk for it. */
  readonly kernelName: string | undefined;
}

export interface TargetSession extends IscsiSession {
  readonly units: readonly AttachedUnit[];
}

/**
 * The sessions of one target. Throws when nobody can tell: an iscsiadm that is just being upgraded must
 * not make a session, and the mount on it, look gone.
 */
export async function readSessions(host: HostPort, target: string): Promise<TargetSession[]> {
  const { exitCode, stdout, stderr } = await probe(host, 'iscsiadm', '-m', 'session', '-P', '3');
  if (exitCode === 0) return parseSessions(stdout).filter((one) => one.target === target);
  const hasNothingToAsk = exitCode === NO_DAEMON || exitCode === PROGRAM_MISSING;
  if (exitCode === NO_OBJECTS) return [];
  if (hasNothingToAsk && !(await hasKernelSession(host, target))) return [];
  throw new PoolkeeperError(
    'CommandFailed',
    `iscsiadm can't list the sessions (exit code ${exitCode}): ${stderr.trim()}`,
  );
}

const KERNEL_SESSIONS = '/sys/class/iscsi_session';

async function hasKernelSession(host: HostPort, target: string): Promise<boolean> {
  for (const name of (await host.listDirectory(KERNEL_SESSIONS)) ?? []) {
    const of = await host.readFile(`${KERNEL_SESSIONS}/${name}/targetname`);
    if (of?.trim() === target) return true;
  }
  return false;
}

/** Whether iscsiadm remembers the target, with whatever credentials. */
export async function hasRecord(host: HostPort, target: string): Promise<boolean> {
  const { exitCode } = await probe(host, 'iscsiadm', '-m', 'node', '-T', target);
  return exitCode === 0;
}

interface OpenSession {
  target: string;
  portal: string;
  id: number;
  state: string;
  units: { lun: number; kernelName: string | undefined }[];
}

/** Reads `iscsiadm -m session -P 3`: indented blocks of `Name: value`, one per target and session. */
export function parseSessions(text: string): (TargetSession & { readonly target: string })[] {
  const sessions: OpenSession[] = [];
  let target = '';
  let current: OpenSession | undefined;
  for (const line of text.split('\n')) {
    const named = /^Target: (\S+)/.exec(line);
    if (named) target = named[1]!;
    const portal = /^\s*Current Portal: (\S+),\d+/.exec(line);
    if (portal) {
      current = { target, portal: portal[1]!, id: 0, state: 'UNKNOWN', units: [] };
      sessions.push(current);
    }
    if (!current) continue;
    const id = /^\s*SID: (\d+)/.exec(line);
    if (id) current.id = Number(id[1]);
    const state = /^\s*iSCSI Session State: (\S+)/.exec(line);
    if (state) current.state = state[1]!;
    const unit = /\bLun: (\d+)\s*$/.exec(line);
    if (unit) current.units.push({ lun: Number(unit[1]), kernelName: undefined });
    const disk = /^\s*Attached scsi disk (\S+)/.exec(line);
    const last = current.units.at(-1);
    if (disk && last) last.kernelName = disk[1]!;
  }
  return sessions;
}

/** The device to use for a logical unit: its only disk, or the multipath device that joins several. */
export async function lookAtUnit(
  host: HostPort,
  sessions: readonly TargetSession[],
  lun: number,
): Promise<UnitFacts> {
  const names = new Set(
    sessions.flatMap(({ units }) =>
      units.flatMap((unit) => (unit.lun === lun && unit.kernelName ? [unit.kernelName] : [])),
    ),
  );
  if (names.size === 0) return { type: 'absent' };
  const disks = (await listDevices(host)).filter(({ kernelName }) => names.has(kernelName));
  const [disk, ...others] = disks;
  // The kernel has it, udev has not got round to it yet.
  if (!disk || disks.length < names.size) return { type: 'absent' };
  const joined = await joinedDevice(host, disks);
  if (joined === 'different')
    return {
      type: 'unusable',
      reason: 'DeviceAmbiguous',
      message: `The paths ${pathsOf(disks)} to logical unit ${lun} belong to different multipath devices.`,
    };
  if (joined) return { type: 'found', device: await withContents(host, joined) };
  if (others.length > 0 || isPathMember(disk))
    return {
      type: 'unusable',
      reason: 'MultipathRequired',
      message:
        `Logical unit ${lun} is reached by ${pathsOf(disks)} and no multipath device joins them: ` +
        'start multipathd on the node, or leave one path.',
    };
  return { type: 'found', device: await withContents(host, disk) };
}

type Listed = Awaited<ReturnType<typeof listDevices>>[number];

/** udev says that multipathd wants this disk, and a path must never be written to directly. */
function isPathMember({ filesystemHint }: Listed): boolean {
  return filesystemHint === 'mpath_member';
}

async function joinedDevice(
  host: HostPort,
  disks: readonly Listed[],
): Promise<DeviceFacts | 'different' | undefined> {
  const joined = disks.map(({ children }) => children.find(({ type }) => type === 'mpath')?.path);
  const [first] = joined;
  if (first === undefined)
    return joined.some((path) => path !== undefined) ? 'different' : undefined;
  if (joined.some((path) => path !== first)) return 'different';
  const [disk] = disks;
  const kernelName = disk?.holders.find((name) => name.startsWith('dm-'));
  if (!disk || kernelName === undefined) return undefined;
  const above = disk.children.filter(({ path, type }) => path !== first && type !== 'part');
  const holders = (await host.listDirectory(`/sys/block/${kernelName}/holders`)) ?? [];
  return {
    ...disk,
    path: `/dev/${kernelName}`,
    kernelName,
    type: 'mpath',
    children: disk.children.filter(({ type }) => type === 'part'),
    holders: [...holders, ...above.map(({ path }) => path.replace('/dev/', ''))],
  };
}

async function withContents(host: HostPort, device: DeviceFacts): Promise<DeviceFacts> {
  return { ...device, contents: await readContents(host, device) };
}

function pathsOf(disks: readonly DeviceFacts[]): string {
  return disks.map(({ path }) => path).join(' and ');
}
