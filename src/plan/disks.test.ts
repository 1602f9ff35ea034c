import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  type DeviceContents,
  type DeviceFacts,
  judgeDevice,
  probedRegions,
  resolveDevice,
} from './disks.ts';

const GIB = 1024 ** 3;
const OUR_ARRAY = '11111111-2222-4333-8444-555555555555';
const OTHER_ARRAY = '99999999-2222-4333-8444-555555555555';

const blank: DeviceContents = {
  signatures: 'none',
  types: [],
  superblock: { type: 'none' },
  ends: 'zero',
};

export function aDevice(overrides: Partial<DeviceFacts> = {}): DeviceFacts {
  return {
    path: '/dev/sdb',
    kernelName: 'sdb',
    type: 'disk',
    serial: 'S1',
    wwn: '0x5000c500aaaaaaaa',
    sizeBytes: 64 * GIB,
    isReadOnly: false,
    isRotational: false,
    children: [],
    holders: [],
    mountPoints: [],
    contents: blank,
    ...overrides,
  };
}

const member = (arrayUuid: string): DeviceContents => ({
  ...blank,
  signatures: 'found',
  types: ['linux_raid_member'],
  superblock: { type: 'member', arrayUuid, name: 'any:p1' },
  ends: 'data',
});
const holding = (...types: string[]): DeviceContents => ({
  ...blank,
  signatures: 'found',
  types,
  ends: 'data',
});

describe('judgeDevice', () => {
  const cases: Record<
    string,
    { given: Partial<DeviceFacts>; confirm?: string; want: string; message?: RegExp }
  > = {
    'a blank disk is used': { given: {}, want: 'use' },
    'a disk nobody has read is refused': {
      given: { contents: undefined },
      want: 'DeviceUnreadable',
    },
    'a disk without signatures that can not be read is not blank': {
      given: { contents: { ...blank, ends: 'unreadable' } },
      want: 'DeviceUnreadable',
    },
    'a disk that can not be read in one place is not blank, and the place is told': {
      given: { contents: { ...blank, ends: 'unreadable', unreadableAtBytes: 33030144 } },
      want: 'DeviceUnreadable',
      message: /Reading failed near byte 33030144\./,
    },
    'a disk on which the tools failed is not blank': {
      given: { contents: { ...blank, signatures: 'failed' } },
      want: 'DeviceUnreadable',
    },
    'a disk that mdadm could not examine is not blank': {
      given: { contents: { ...blank, superblock: { type: 'failed' } } },
      want: 'DeviceUnreadable',
    },
    'data that no tool knows is refused': {
      given: { contents: { ...blank, ends: 'data' } },
      want: 'DeviceNotBlank',
      message: /no tool recognises/,
    },
    'an ext4 filesystem is refused': {
      given: { contents: holding('ext4') },
      want: 'DeviceNotBlank',
      message: /ext4/,
    },
    'several filesystems at once are refused': {
      given: { contents: { ...holding(), signatures: 'ambivalent' } },
      want: 'DeviceNotBlank',
      message: /several filesystems/,
    },
    'a partition table is refused': {
      given: { children: [{ path: '/dev/sdb1', type: 'part' }] },
      want: 'DeviceNotBlank',
      message: /1 partitions/,
    },
    'LVM, LUKS, ZFS and friends are refused': {
      given: { contents: holding('LVM2_member') },
      want: 'DeviceNotBlank',
    },
    'a member of our array is ours, also while it runs': {
      given: { contents: member(OUR_ARRAY), holders: ['md127'] },
      want: 'ours',
    },
    "a member of another pool's array is refused": {
      given: { contents: member(OTHER_ARRAY) },
      want: 'DeviceNotBlank',
      message: /any:p1/,
    },
    'a mounted disk is refused with its mount point': {
      given: { mountPoints: ['/mnt/data'] },
      want: 'DeviceInUse',
      message: /\/mnt\/data/,
    },
    'a disk that something holds is refused with its holder': {
      given: { holders: ['dm-3'] },
      want: 'DeviceInUse',
      message: /\/dev\/dm-3/,
    },
    'a disk that can not be opened exclusively is refused': {
      given: { contents: { ...blank, ends: 'busy' } },
      want: 'DeviceInUse',
    },
    'the disk of the operating system is refused': {
      given: { mountPoints: ['/', '/boot/efi'] },
      want: 'DeviceIsSystem',
    },
    'swap is refused': { given: { mountPoints: ['[SWAP]'] }, want: 'DeviceIsSystem' },
    'a partition is refused': { given: { type: 'part' }, want: 'DeviceIsPartition' },
    'a loop device is refused': { given: { type: 'loop' }, want: 'DeviceIsPartition' },
    'a read-only disk is refused': { given: { isReadOnly: true }, want: 'DeviceReadOnly' },
    'a tiny disk is refused': { given: { sizeBytes: 1024 }, want: 'DeviceTooSmall' },
    'data may be destroyed when the serial was typed once more': {
      given: { contents: holding('ext4') },
      confirm: 'S1',
      want: 'wipe',
    },
    'a confirmation for another disk counts for nothing': {
      given: { contents: holding('ext4') },
      confirm: 'S2',
      want: 'DeviceNotBlank',
    },
    'a confirmation does not open a mounted disk': {
      given: { contents: holding('ext4'), mountPoints: ['/mnt'] },
      confirm: 'S1',
      want: 'DeviceInUse',
    },
    'a confirmation does not open an unreadable disk': {
      given: { contents: { ...blank, ends: 'unreadable' } },
      confirm: 'S1',
      want: 'DeviceUnreadable',
    },
  };
  for (const [name, { given, confirm, want, message }] of Object.entries(cases))
    test(name, () => {
      const verdict = judgeDevice(aDevice(given), { arrayUuid: OUR_ARRAY, wipeConfirm: confirm });
      assert.equal(verdict.type === 'refuse' ? verdict.reason : verdict.type, want);
      if (message && verdict.type === 'refuse') assert.match(verdict.message, message);
    });
});

describe('resolveDevice', () => {
  const namespaces = [1, 2, 3].map((namespaceId) =>
    aDevice({
      path: `/dev/nvme0n${namespaceId}`,
      serial: 'SN: 000001',
      wwn: `eui.${namespaceId}`,
      namespaceId,
    }),
  );
  const cases: Record<
    string,
    { request: Parameters<typeof resolveDevice>[0]; devices?: DeviceFacts[]; want: string }
  > = {
    'finds a disk by serial': { request: { serial: 'S1' }, want: '/dev/sdb' },
    'ignores the padding of serials': {
      request: { serial: 'S1' },
      devices: [aDevice({ serial: 'S1              ' })],
      want: '/dev/sdb',
    },
    'finds a disk by wwn, whatever its case': {
      request: { wwn: '0x5000C500AAAAAAAA' },
      want: '/dev/sdb',
    },
    'refuses a serial that several disks share': {
      request: { serial: 'SN: 000001' },
      devices: namespaces,
      want: 'DeviceAmbiguous',
    },
    'tells them apart by wwn': {
      request: { serial: 'SN: 000001', wwn: 'eui.2' },
      devices: namespaces,
      want: '/dev/nvme0n2',
    },
    'refuses when serial and wwn name different disks': {
      request: { serial: 'S1', wwn: 'eui.2' },
      want: 'DeviceNotFound',
    },
    'refuses a disk of another size than asserted': {
      request: { serial: 'S1', sizeBytes: GIB },
      want: 'DeviceNotFound',
    },
    'an empty request matches nothing': { request: {}, want: 'DeviceNotFound' },
    'a disk without a serial is never taken for another': {
      request: { serial: 'S1' },
      devices: [aDevice({ serial: undefined })],
      want: 'DeviceNotFound',
    },
  };
  for (const [name, { request, devices, want }] of Object.entries(cases))
    test(name, () => {
      const found = resolveDevice(request, devices ?? [aDevice()]);
      assert.equal(found.type === 'found' ? found.device.path : found.reason, want);
    });

  test('a refusal lists what there is', () => {
    const found = resolveDevice({ serial: 'SN: 000001' }, namespaces);
    assert.equal(found.type, 'refuse');
    assert.match((found as { message: string }).message, /nvme0n1.*nvme0n2.*nvme0n3.*by wwn/);
  });
});

describe('what is read of a disk before it counts as blank', () => {
  const isRead = (sizeBytes: number, offsetBytes: number): boolean =>
    probedRegions(sizeBytes).some(
      (region) =>
        region.offsetBytes <= offsetBytes && offsetBytes < region.offsetBytes + region.lengthBytes,
    );

  test('all of a small one', () => {
    const sizeBytes = 512 * 1024 ** 2;
    assert.deepEqual(probedRegions(sizeBytes), [{ offsetBytes: 0, lengthBytes: sizeBytes }]);
    assert.deepEqual(probedRegions(512), [{ offsetBytes: 0, lengthBytes: 512 }]);
  });

  test('of a large one both ends, and something of each sixteenth', () => {
    const sizeBytes = 4096 * GIB;
    for (const offset of [0, sizeBytes - 1, 128 * 1024 ** 2, sizeBytes / 4, sizeBytes / 2])
      assert.ok(isRead(sizeBytes, offset), `${offset}`);
    for (let part = 1; part < 16; part++) assert.ok(isRead(sizeBytes, (sizeBytes / 16) * part));
    for (const { offsetBytes, lengthBytes } of probedRegions(sizeBytes + 512))
      assert.ok(offsetBytes % 512 === 0 && offsetBytes + lengthBytes <= sizeBytes + 512);
  });
});
