import { describe } from 'node:test';
import {
  anArray,
  madeArray,
  members,
  mounted,
  ourFilesystem,
  play,
  unmounted,
} from '../../test/builders/array-facts.ts';

describe('mounting', () => {
  const formatted = {
    devices: members,
    array: anArray(),
    filesystem: ourFilesystem,
    journal: { ...madeArray, filesystem: 'made' },
  } as const;
  const guarded = { ...formatted.journal, mountPoint: 'made', mountPointProtected: true } as const;
  play({
    'the directory is made': { facts: formatted, want: 'makeMountPoint' },
    'and protected': {
      facts: { ...formatted, mountPoint: unmounted },
      want: 'protectMountPoint',
    },
    'then it is mounted': {
      facts: { ...formatted, journal: guarded, mountPoint: unmounted },
      want: 'mount',
    },
    'and marked': {
      facts: {
        ...formatted,
        journal: guarded,
        mountPoint: { ...mounted, marker: { type: 'none' } },
      },
      want: 'writeMarker',
    },
    'and from then on protected by the policy': {
      facts: { ...formatted, journal: guarded, mountPoint: mounted },
      want: 'recordActive',
    },
    'not over files': {
      facts: { ...formatted, mountPoint: { ...unmounted, entries: 3 } },
      want: 'MountPathInUse',
    },
    'not over another mount': {
      facts: {
        ...formatted,
        mountPoint: {
          ...unmounted,
          mounts: [{ source: '/dev/sdz', filesystem: 'xfs', isOurs: false }],
        },
      },
      want: 'MountPathInUse',
    },
    'not when the marker names another pool': {
      facts: {
        ...formatted,
        journal: guarded,
        mountPoint: { ...mounted, marker: { type: 'found', poolUid: 'another' } },
      },
      want: 'FilesystemMismatch',
    },
  });
});
