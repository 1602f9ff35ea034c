import { describe } from 'node:test';
import {
  ARRAY,
  aMember,
  anArray,
  claimed,
  complete,
  members,
  mounted,
  noJournal,
  one,
  ourFilesystem,
  play,
  two,
} from '../../test/builders/array-facts.ts';
import { identityKey } from './disks.ts';

describe('keeping an array', () => {
  play({
    'after a boot it is assembled': {
      facts: { devices: members, journal: complete },
      want: 'assembleArray',
    },
    'with a member missing it is assembled all the same': {
      facts: { devices: [members[0]!], journal: complete },
      want: 'assembleArray',
    },
    'half-assembled, it is stopped first': {
      facts: {
        devices: members,
        array: anArray({ state: 'inactive' }),
        journal: complete,
      },
      want: 'stopArray',
    },
    'gone without a trace, it is not made anew': {
      facts: { journal: complete },
      want: 'ArrayNotFound',
    },
    'gone with local disks that were reset, it says so': {
      intent: { devices: [{ serial: 'one' }] },
      facts: {
        devices: [{ ...one, model: 'Microsoft NVMe Direct Disk v2' }],
        journal: complete,
      },
      want: 'EphemeralDisksReset',
    },
    'without a journal an array with our UUID is kept': {
      facts: { devices: members },
      want: 'assembleArray',
    },
    'without a journal and without a filesystem nothing is formatted': {
      facts: {
        devices: members,
        array: anArray(),
        journal: { ...noJournal, array: 'made', claims: [one, two] },
      },
      want: 'FilesystemMismatch',
    },
    'everything in place': {
      facts: {
        devices: members,
        array: anArray(),
        filesystem: ourFilesystem,
        mountPoint: mounted,
        journal: complete,
      },
      want: 'settled',
    },
    'degraded, it is first written down whose content goes out of date': {
      facts: {
        devices: [members[0]!],
        array: anArray({ degraded: 1, members: [aMember('one', 0)] }),
        filesystem: ourFilesystem,
        mountPoint: mounted,
        journal: complete,
      },
      want: 'recordMembers',
    },
    'degraded, it stays mounted': {
      facts: {
        devices: [members[0]!],
        array: anArray({ degraded: 1, members: [aMember('one', 0)] }),
        filesystem: ourFilesystem,
        mountPoint: mounted,
        journal: { ...complete, outdated: [identityKey(two)] },
      },
      want: 'settled',
    },
  });
});

describe('adopting', () => {
  const adopting = { adoptArrayUuid: ARRAY, devices: [] };
  play({
    'an array on the disks is assembled': {
      intent: adopting,
      facts: { devices: members },
      want: 'assembleArray',
    },
    'its members are reserved': {
      intent: adopting,
      facts: { devices: members, array: anArray() },
      want: 'claimDevices',
    },
    'one without the expected filesystem is refused': {
      intent: adopting,
      facts: { devices: members, array: anArray(), journal: { ...claimed, array: 'made' } },
      want: 'FilesystemMismatch',
    },
  });
});
