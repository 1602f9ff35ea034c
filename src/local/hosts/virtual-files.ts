// The files of /proc and /sys that tell the agent about mounts, arrays and disks.
import { AZURE_LINKS, type BlockNode, deviceNumberOf, ID_LINKS, linksOf } from './block-layer.ts';
import type { Machine } from './machine.ts';
import { type ArrayMember, type MdArray, memberCapacity } from './md-array.ts';
import { recordsOf } from './programs/iscsi.ts';

/** The text of a kernel file; undefined when the kernel has none of that name. */
export function readVirtual(machine: Machine, path: string): string | undefined {
  if (path === '/proc/1/mountinfo' || path === '/proc/self/mountinfo') return mountinfo(machine);
  if (path === '/proc/mdstat') return mdstat(machine);
  if (path === '/proc/swaps') return 'Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n';
  if (path === '/proc/sys/kernel/random/boot_id') return `boot-${machine.bootId}\n`;
  const session = /^\/sys\/class\/iscsi_session\/(session\d+)\/targetname$/.exec(path)?.[1];
  if (session) return sessionsOf(machine).get(session);
  const processMatch = /^\/proc\/(\d+)\/mountinfo$/.exec(path);
  if (processMatch) return foreignMountinfo(machine, Number(processMatch[1]));
  const block = /^\/sys\/block\/([^/]+)\/(.+)$/.exec(path);
  if (!block) return undefined;
  const node = machine.blocks.nodes().find(({ kernelName }) => kernelName === block[1]);
  return node && readBlockFile(machine, node, block[2]!);
}

export function listVirtual(machine: Machine, path: string): string[] | undefined {
  if (path === '/proc') {
    const foreign = machine.foreignMounts.map(({ processId }) => String(processId));
    return ['1', ...new Set(foreign), 'mdstat', 'mounts', 'swaps'];
  }
  if (path === '/sys/block')
    return machine.blocks
      .nodes()
      .filter(({ kind }) => kind !== 'part')
      .map(({ kernelName }) => kernelName)
      .sort();
  if (path === '/sys/class/block')
    return machine.blocks
      .nodes()
      .map((one) => one.kernelName)
      .sort();
  if (path === '/sys/class/iscsi_session') return [...sessionsOf(machine).keys()];
  if (path === AZURE_LINKS || path === ID_LINKS) return linksIn(machine, path);
  const match = /^\/sys\/block\/([^/]+)\/(holders|slaves|md)$/.exec(path);
  const node = match && machine.blocks.nodes().find(({ kernelName }) => kernelName === match[1]);
  if (!node) return undefined;
  if (match[2] === 'holders')
    return machine.blocks.holdersOf(node.kernelName).map(({ kernelName }) => kernelName);
  if (match[2] === 'slaves') return node.array?.members.map(({ kernelName }) => kernelName) ?? [];
  if (!node.array) return undefined;
  const members = node.array.members.map(({ kernelName }) => `dev-${kernelName}`);
  return [...Object.keys(mdFiles(machine, node.array)), ...members].sort();
}

/** Names of targets by the kernel's names of the sessions to them. */
function sessionsOf(machine: Machine): Map<string, string> {
  const active = [...recordsOf(machine).values()].flatMap(({ name, session }) =>
    session ? [[`session${session.id}`, `${name}\n`] as const] : [],
  );
  return new Map(active);
}

function linksIn(machine: Machine, directory: string): string[] | undefined {
  const names = machine.blocks
    .nodes()
    .flatMap(linksOf)
    .filter((link) => link.startsWith(`${directory}/`))
    .map((link) => link.slice(directory.length + 1));
  return names.length > 0 ? [...new Set(names)] : undefined;
}

function readBlockFile(machine: Machine, node: BlockNode, file: string): string | undefined {
  if (node.array && file.startsWith('md/')) return readMdFile(machine, node.array, file.slice(3));
  const { serial, wwn, model, rotational, removable, readOnly, namespaceId } =
    node.disk?.options ?? {};
  const values: Record<string, string | undefined> = {
    dev: deviceNumberOf(node.kernelName),
    size: String(node.sizeBytes / 512),
    ro: readOnly ? '1' : '0',
    removable: removable ? '1' : '0',
    'queue/rotational': rotational ? '1' : '0',
    'device/serial': serial,
    'device/model': model,
    serial,
    wwid: wwn,
    nsid: namespaceId === undefined ? undefined : String(namespaceId),
    stat: node.disk && `0 0 0 0 ${node.disk.writes} 0 ${node.disk.writes} 0 0 0 0 0 0 0 0 0 0`,
  };
  const value = values[file];
  return value === undefined ? undefined : `${value}\n`;
}

function readMdFile(machine: Machine, array: MdArray, file: string): string | undefined {
  const member = /^dev-([^/]+)\/(.+)$/.exec(file);
  if (member) {
    const found = array.members.find(({ kernelName }) => kernelName === member[1]);
    const text = found && memberFile(array, found, member[2]!);
    return text === undefined ? undefined : `${text}\n`;
  }
  const value = mdFiles(machine, array)[file];
  return value === undefined ? undefined : `${value}\n`;
}

function memberFile(array: MdArray, member: ArrayMember, file: string): string | undefined {
  const { state, slot, content, wantsReplacement, replaces } = member;
  const { dataOffsetBytes } = array.shape;
  if (file === 'slot') return slot === undefined ? 'none' : String(slot);
  if (file === 'size') return String(memberCapacity(content.sizeBytes, dataOffsetBytes) / 1024);
  if (file === 'offset') return String(dataOffsetBytes / 512);
  if (file !== 'state') return undefined;
  const words = { active: 'in_sync', rebuilding: 'spare', spare: 'spare', faulty: 'faulty' };
  const extra = replaces
    ? ',replacement'
    : wantsReplacement && state === 'active'
      ? ',want_replacement'
      : '';
  return `${words[state]}${extra}`;
}

/** RAID0 has none of the sync files, exactly as the kernel's driver. */
function mdFiles(machine: Machine, array: MdArray): Record<string, string> {
  const { level, raidDisks, uuid, chunkBytes, usedBytes } = array.shape;
  const always = {
    array_state: arrayState(array),
    level: `raid${level}`,
    raid_disks:
      array.reshapeTo === undefined ? String(raidDisks) : `${array.reshapeTo} (${raidDisks})`,
    component_size: String(level === 0 ? 0 : usedBytes / 1024),
    // The kernel learns it when the array is started.
    uuid: array.started ? uuid : '00000000-0000-0000-0000-000000000000',
    chunk_size: String(chunkBytes),
    layout: String(level === 10 ? 0x102 : level === 5 || level === 6 ? 2 : 0),
    metadata_version: '1.2',
  };
  if (level === 0 || !array.started) return always;
  const position = array.syncPosition(machine.monotonic(), machine.syncBytesPerSecond);
  const sectors = (bytes: number): number => Math.floor(bytes / 512);
  return {
    ...always,
    sync_action: array.sync?.action ?? 'idle',
    last_sync_action: array.lastSyncAction,
    sync_completed:
      position === undefined ? 'none' : `${sectors(position)} / ${sectors(array.shape.usedBytes)}`,
    sync_speed: array.sync ? String(Math.floor(machine.syncBytesPerSecond / 1024)) : 'none',
    degraded: String(array.degraded),
    resync_start: array.sync?.action === 'resync' ? '0' : 'none',
    mismatch_cnt: String(array.mismatchCount),
    consistency_policy: array.shape.hasBitmap ? 'bitmap' : 'resync',
  };
}

export function arrayState(array: MdArray): string {
  if (!array.started) return 'inactive';
  if (array.failed) return array.shape.level === 0 ? 'broken' : 'write-pending';
  if (array.readAuto) return 'read-auto';
  return array.sync ? 'active' : 'clean';
}

/** Spaces and backslashes in paths are written as octal escapes. */
function escapePath(path: string): string {
  return path.replaceAll('\\', '\\134').replaceAll(' ', '\\040');
}

function mountinfo(machine: Machine): string {
  const lines = machine.mounts.map((mount) => {
    const options = mount.options.join(',');
    const source = escapePath(mount.source);
    const device = mount.kernelName ? deviceNumberOf(mount.kernelName) : `0:${mount.id}`;
    return (
      `${mount.id} ${mount.target === '/' ? 1 : 100} ${device} / ${escapePath(mount.target)} ` +
      `${options} shared:${mount.id} - ${mount.filesystem} ${source} ${options}`
    );
  });
  return `${lines.join('\n')}\n`;
}

function foreignMountinfo(machine: Machine, processId: number): string | undefined {
  const mounts = machine.foreignMounts.filter((mount) => mount.processId === processId);
  if (mounts.length === 0) return undefined;
  const lines = mounts.map(
    ({ target, source, filesystem }, index) =>
      `${900 + index} 1 ${deviceNumberOf(source.replace('/dev/', ''))} / ${escapePath(target)} rw - ${filesystem} ${source} rw`,
  );
  return `${lines.join('\n')}\n`;
}

/** `UU` when both members are in use, `U_` when the second is not. */
function slotsOf(array: MdArray): string {
  const marks = Array.from({ length: array.shape.raidDisks }, (_, slot) =>
    array.members.some((member) => member.slot === slot && member.state === 'active') ? 'U' : '_',
  );
  return marks.join('');
}

function mdstat(machine: Machine): string {
  // As modules are loaded when they are needed, only levels in use are known.
  const levels = new Set(machine.blocks.arrays.map(({ shape }) => `[raid${shape.level}]`));
  const lines = [`Personalities : ${[...levels].join(' ')}`.trimEnd()];
  for (const array of machine.blocks.arrays) {
    const members = array.members.toReversed().map(({ kernelName, deviceNumber, state }) => {
      const mark = state === 'faulty' ? '(F)' : state === 'spare' ? '(S)' : '';
      return `${kernelName}[${deviceNumber}]${mark}`;
    });
    const { level, raidDisks } = array.shape;
    const active = raidDisks - array.degraded;
    const state = array.started ? `active raid${level}` : 'inactive';
    lines.push(`${array.kernelName} : ${state} ${members.join(' ')}`);
    if (array.started) {
      const counts = level === 0 ? '' : ` [${raidDisks}/${active}] [${slotsOf(array)}]`;
      lines.push(`      ${array.sizeBytes / 1024} blocks super 1.2${counts}`);
    }
    const position = array.syncPosition(machine.monotonic(), machine.syncBytesPerSecond);
    if (array.sync && position !== undefined) {
      const percent = ((100 * position) / array.shape.usedBytes).toFixed(1);
      lines.push(`      [>....................]  ${array.sync.action} = ${percent}%`);
    }
    lines.push('');
  }
  return `${lines.join('\n')}\nunused devices: <none>\n`;
}
