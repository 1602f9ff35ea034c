// Puts arrays together from what their members' superblocks say.
import { assert } from '../../runtime/assert.ts';
import { type ArrayMember, MdArray } from './md-array.ts';
import { type MdSuperblock, readMdSuperblock } from './md-superblock.ts';
import type { Content } from './sparse-bytes.ts';

interface Found {
  readonly kernelName: string;
  readonly content: Content;
  readonly superblock: MdSuperblock;
}

/** From members that all carry the same array UUID; not yet started. Stale members are left out. */
export function assemble(
  kernelName: string,
  devices: readonly { kernelName: string; content: Content }[],
): MdArray {
  const found = devices.flatMap((device): Found[] => {
    const superblock = readMdSuperblock(device.content);
    return superblock ? [{ ...device, superblock }] : [];
  });
  const events = Math.max(...found.map(({ superblock }) => superblock.events));
  const fresh = found.filter(({ superblock }) => superblock.events === events);
  const newest = fresh[0]?.superblock;
  assert(newest, 'assemble() needs at least one device with a superblock');
  const deltaDisks = newest.deltaDisks ?? 0;
  const shape = { ...newest, uuid: newest.arrayUuid, raidDisks: newest.raidDisks - deltaDisks };
  const array = new MdArray(
    kernelName,
    shape,
    fresh.map((one) => toMember(one, newest)),
  );
  array.events = newest.events;
  array.readAuto = true;
  if (deltaDisks > 0) array.reshapeTo = newest.raidDisks;
  const isRecovering = array.members.some(({ state }) => state === 'rebuilding');
  if (newest.resyncOffsetBytes !== undefined || isRecovering)
    array.sync = {
      action: deltaDisks > 0 ? 'reshape' : isRecovering ? 'recover' : 'resync',
      fromBytes: newest.resyncOffsetBytes ?? 0,
      startedAtMilliseconds: 0,
    };
  return array;
}

function toMember({ kernelName, content, superblock }: Found, newest: MdSuperblock): ArrayMember {
  const { deviceNumber, deviceUuid, isRecovering, isReplacement } = superblock;
  const role = newest.roles[deviceNumber] ?? 'spare';
  const isFilled = typeof role === 'number' && isRecovering !== true;
  return {
    kernelName,
    content,
    deviceNumber,
    deviceUuid,
    slot: typeof role === 'number' ? role : undefined,
    state: isFilled ? 'active' : typeof role === 'number' ? 'rebuilding' : role,
    ...(isReplacement === true && { replaces: true }),
  };
}
