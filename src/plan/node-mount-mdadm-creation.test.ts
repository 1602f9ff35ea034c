import { describe } from 'node:test';
import {
  aDisk,
  anArray,
  blank,
  claimed,
  complete,
  madeArray,
  members,
  one,
  ourFilesystem,
  POOL,
  play,
  two,
} from '../../test/builders/array-facts.ts';
import { identityKey } from './disks.ts';

describe('making an array', () => {
  play({
    'first the blank disks are reserved': { facts: {}, want: 'claimDevices' },
    'then the array is created': { facts: { journal: claimed }, want: 'createArray' },
    'not while a program is missing': {
      facts: { journal: claimed, missing: ['mdadm (package mdadm)'] },
      want: 'PrerequisitesMissing',
    },
    'not on a disk that somebody else reserved': {
      facts: { claimedByOthers: new Map([[identityKey(two), 'default/other']]) },
      want: 'DeviceClaimed',
    },
    'all disks that cannot be used are told at once': {
      facts: { devices: [{ ...one, isReadOnly: true }, aDisk('two', { ...blank, ends: 'data' })] },
      want: /is read-only.*two: holds data that no tool recognises/,
    },
    'not with one disk named twice': {
      intent: { devices: [{ serial: 'one' }, { serial: 'one' }] },
      facts: {},
      want: 'InvalidSpec',
    },
    'not over a directory of the node': {
      intent: { mountPath: '/var/lib/kubelet' },
      facts: {},
      want: 'InvalidSpec',
    },
    'not beside the mount root': {
      intent: { mountPath: '/var/lib/poolkeeper/mounts/../journal' },
      facts: {},
      want: 'InvalidSpec',
    },
    'not when a disk is missing': { facts: { devices: [one] }, want: 'DeviceNotFound' },
    'not when a reserved disk has got data meanwhile': {
      facts: {
        devices: [one, aDisk('two', { ...blank, ends: 'data' })],
        journal: claimed,
      },
      want: 'DeviceNotBlank',
    },
    'data is destroyed first where that was confirmed': {
      intent: { devices: [{ serial: 'one' }, { serial: 'two', wipeConfirm: 'two' }] },
      facts: {
        devices: [one, aDisk('two', { ...blank, signatures: 'found', types: ['xfs'] })],
        journal: claimed,
      },
      want: 'wipeDevice',
    },
    'a running array whose creation never reported back is taken as it is': {
      facts: {
        devices: members,
        array: anArray(),
        journal: { ...claimed, array: 'unknown' },
      },
      want: 'recordArray',
    },
    'an inactive array of an interrupted creation is stopped': {
      facts: {
        devices: members,
        array: anArray({ state: 'inactive' }),
        journal: { ...claimed, array: 'unknown' },
      },
      want: 'stopArray',
    },
    'its superblocks are erased': {
      facts: { devices: [members[0]!, two], journal: { ...claimed, array: 'unknown' } },
      want: 'zeroSuperblock',
    },
    'its remains are erased': {
      facts: {
        devices: [aDisk('one', { ...blank, ends: 'data' }), two],
        journal: { ...claimed, array: 'unknown', erasing: [identityKey(one)] },
      },
      want: 'zeroEnds',
    },
    'its marker is removed': {
      facts: {
        journal: { ...claimed, array: 'unknown' },
        creatingMarkers: ['/run/mdadm/creating-md127'],
      },
      want: 'removeCreatingMarker',
    },
    'and it is created anew': {
      facts: { journal: { ...claimed, array: 'unknown' } },
      want: 'createArray',
    },
  });
});

describe('the filesystem', () => {
  const running = { devices: members, array: anArray() };
  play({
    'is made on a new array': { facts: { ...running, journal: madeArray }, want: 'makeFilesystem' },
    'is erased when making it was interrupted': {
      facts: {
        ...running,
        filesystem: ourFilesystem,
        journal: { ...madeArray, filesystem: 'unknown' },
      },
      want: 'eraseFilesystem',
    },
    'is never erased once it was in use': {
      intent: { wasActive: true },
      facts: {
        ...running,
        filesystem: ourFilesystem,
        journal: { ...madeArray, filesystem: 'unknown' },
      },
      want: 'makeMountPoint',
    },
    'is never made anew once it was there': {
      facts: { ...running, journal: complete },
      want: 'FilesystemMismatch',
    },
    'of somebody else is left alone': {
      facts: {
        ...running,
        filesystem: { type: 'found', filesystem: 'ext4', uuid: POOL },
        journal: madeArray,
      },
      want: 'FilesystemMismatch',
    },
    'that can not be read is left alone': {
      facts: {
        ...running,
        filesystem: { type: 'unknown', message: 'EIO' },
        journal: madeArray,
      },
      want: 'DeviceUnreadable',
    },
  });
});
