import { describe } from 'node:test';
import {
  ARRAY,
  aDisk,
  anArray,
  blank,
  claimed,
  complete,
  madeArray,
  members,
  mounted,
  one,
  ourFilesystem,
  play,
  two,
  unmounted,
} from '../../test/builders/array-facts.ts';
import { identityKey } from './disks.ts';

describe('deleting', () => {
  const deleting = { isDeleting: true };
  const inUse = {
    devices: members,
    array: anArray(),
    filesystem: ourFilesystem,
    mountPoint: mounted,
    journal: complete,
  };
  const stopped = { devices: members, journal: { ...complete, mountPoint: 'none' } } as const;
  const removed = { ...unmounted, exists: false };
  play({
    'unmounts first': { intent: deleting, facts: inUse, want: 'unmount' },
    'then frees the directory': {
      intent: deleting,
      facts: { ...inUse, mountPoint: { ...unmounted, isImmutable: true } },
      want: 'unprotectMountPoint',
    },
    'then removes it': {
      intent: deleting,
      facts: { ...inUse, mountPoint: unmounted },
      want: 'removeMountPoint',
    },
    'then stops the array': {
      intent: deleting,
      facts: { ...inUse, mountPoint: removed },
      want: 'stopArray',
    },
    'waits for those who hold the mount elsewhere': {
      intent: deleting,
      facts: { ...inUse, mountPoint: { ...removed, foreignHolders: ['process 4711'] } },
      want: 'CleanupBlocked',
    },
    'Retain keeps the superblocks and gives the disks back': {
      intent: deleting,
      facts: stopped,
      want: 'releaseDevices',
    },
    'Destroy erases the filesystem before stopping': {
      intent: { ...deleting, deletionPolicy: 'Destroy' },
      facts: { ...inUse, mountPoint: removed },
      want: 'eraseFilesystem',
    },
    'Destroy erases the superblocks': {
      intent: { ...deleting, deletionPolicy: 'Destroy' },
      facts: stopped,
      want: 'zeroSuperblock',
    },
    'what never was complete is erased under Retain too': {
      intent: deleting,
      facts: { devices: members, journal: madeArray },
      want: 'zeroSuperblock',
    },
    'unless the object knows better than the journal': {
      intent: { ...deleting, wasActive: true },
      facts: { devices: members, journal: madeArray },
      want: 'releaseDevices',
    },
    'a lost journal proves nothing: the bytes stay': {
      intent: deleting,
      facts: { devices: members },
      want: 'cleanedUp',
    },
    'an adopted array is never erased for being unfinished': {
      intent: { ...deleting, adoptArrayUuid: ARRAY },
      facts: { devices: members, journal: claimed },
      want: 'releaseDevices',
    },
    'a disk that was only going to be wiped keeps its data': {
      intent: deleting,
      facts: {
        devices: [one, aDisk('two', { ...blank, signatures: 'found', types: ['xfs'] })],
        journal: { ...claimed, wiped: [identityKey(two)] },
      },
      want: 'releaseDevices',
    },
    'a disk that can no longer be read is not called erased': {
      intent: { ...deleting, deletionPolicy: 'Destroy' },
      facts: {
        devices: [aDisk('one', { ...blank, ends: 'unreadable' }), two],
        journal: { ...claimed, array: 'made', erasing: [identityKey(one)] },
      },
      want: 'CleanupFailed',
    },
    'what was never begun is done at once': { intent: deleting, facts: {}, want: 'cleanedUp' },
  });
});
