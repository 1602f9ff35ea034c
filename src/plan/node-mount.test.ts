import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type DeviceContents, type DeviceFacts, identityKey } from './disks.ts';
import { planNodeMount } from './node-mount.ts';
import type { JournalFacts, MountPointFacts } from './node-mount-facts.ts';
import { arrayNameFor, derivedUuid } from './node-mount-identity.ts';
import type {
  ArrayFacts,
  ArrayMemberFacts,
  MdadmFacts,
  MdadmIntent,
} from './node-mount-mdadm-facts.ts';
import type { NfsFacts, NfsIntent } from './node-mount-nfs.ts';

const POOL = '0f0e0d0c-0b0a-4908-8706-050403020100';
const ARRAY = derivedUuid(POOL, 'array');
const FILESYSTEM = derivedUuid(POOL, 'filesystem');
const PATH = '/var/lib/poolkeeper/mounts/default/data';

const blank: DeviceContents = {
  signatures: 'none',
  types: [],
  superblock: { type: 'none' },
  ends: 'zero',
};
const ours: DeviceContents = {
  signatures: 'found',
  types: ['linux_raid_member'],
  superblock: { type: 'member', arrayUuid: ARRAY, name: 'any:data' },
  ends: 'data',
};

function aDisk(serial: string, contents: DeviceContents = blank): DeviceFacts {
  return {
    path: `/dev/${serial}`,
    kernelName: serial,
    type: 'disk',
    serial,
    sizeBytes: 2 ** 36,
    isReadOnly: false,
    isRotational: false,
    children: [],
    holders: [],
    mountPoints: [],
    contents,
  };
}

const [one, two] = [aDisk('one'), aDisk('two')];
const members = [aDisk('one', ours), aDisk('two', ours)];

function aMember(kernelName: string, slot: number): ArrayMemberFacts {
  const size = { sizeBytes: 2 ** 36 - 2 ** 20, dataOffsetBytes: 2 ** 20, isGone: false };
  return { path: `/dev/${kernelName}`, kernelName, state: 'in_sync', slot, ...size };
}

const anArray = (overrides: Partial<ArrayFacts> = {}): ArrayFacts => ({
  path: '/dev/md127',
  kernelName: 'md127',
  uuid: ARRAY,
  level: 1,
  raidDisks: 2,
  state: 'clean',
  degraded: 0,
  syncAction: 'idle',
  sizeBytes: 2 ** 36,
  memberBytes: 2 ** 36 - 2 ** 20,
  chunkBytes: 0,
  members: [aMember('one', 0), aMember('two', 1)],
  ...overrides,
});

const noJournal: JournalFacts = {
  exists: false,
  claims: [],
  array: 'none',
  filesystem: 'none',
  active: false,
  mountPoint: 'none',
  mountPointProtected: false,
  erasing: [],
  wiped: [],
  wiping: [],
};
const claimed: JournalFacts = { ...noJournal, exists: true, claims: [one, two] };
const madeArray: JournalFacts = { ...claimed, array: 'made' };
const complete: JournalFacts = {
  ...madeArray,
  filesystem: 'made',
  active: true,
  mountPoint: 'made',
  mountPointProtected: true,
};

const unmounted: MountPointFacts = {
  path: PATH,
  exists: true,
  entries: 0,
  isImmutable: false,
  mounts: [],
  otherTargets: [],
  foreignHolders: [],
  marker: { type: 'none' },
};
const mounted: MountPointFacts = {
  ...unmounted,
  mounts: [{ source: '/dev/md127', filesystem: 'ext4', isOurs: true }],
  marker: { type: 'found', poolUid: POOL },
};
const ourFilesystem = { type: 'found', filesystem: 'ext4', uuid: FILESYSTEM } as const;

const anIntent = (overrides: Partial<MdadmIntent> = {}): MdadmIntent => ({
  type: 'mdadm',
  poolUid: POOL,
  mountPath: PATH,
  mountRoot: '/var/lib/poolkeeper/mounts',
  deletionPolicy: 'Retain',
  isDeleting: false,
  wasActive: false,
  arrayName: 'data',
  level: 1,
  devices: [{ serial: 'one' }, { serial: 'two' }],
  spares: 0,
  filesystem: 'ext4',
  mkfsOptions: [],
  mountOptions: [],
  ...overrides,
});

const someFacts = (overrides: Partial<MdadmFacts> = {}): MdadmFacts => ({
  devices: [one, two],
  filesystem: { type: 'none' },
  mountPoint: { ...unmounted, exists: false },
  journal: noJournal,
  creatingMarkers: [],
  missing: [],
  claimedByOthers: new Map(),
  arrayHolders: [],
  now: '2026-01-01T00:00:00Z',
  bootId: 'boot-1',
  ...overrides,
});

interface Case {
  readonly intent?: Partial<MdadmIntent>;
  readonly facts: Partial<MdadmFacts>;
  /** A step's type, a refusal's reason, or the plan's type. */
  readonly want: string;
}

function outcome({ intent, facts }: Case): string {
  const plan = planNodeMount({ type: 'mdadm', intent: anIntent(intent), facts: someFacts(facts) });
  if (plan.type === 'step') return plan.step.type;
  return plan.type === 'refuse' || plan.type === 'blocked' ? plan.reason : plan.type;
}

function play(cases: Readonly<Record<string, Case>>): void {
  for (const [name, given] of Object.entries(cases))
    test(name, () => assert.equal(outcome(given), given.want));
}

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

describe('an NFS mount', () => {
  const intent: NfsIntent = {
    type: 'nfs',
    poolUid: POOL,
    mountPath: PATH,
    mountRoot: '/var/lib/poolkeeper/mounts',
    deletionPolicy: 'Retain',
    isDeleting: false,
    wasActive: false,
    server: 'fd00::5',
    exportPath: '/data',
    version: '4.1',
    mountOptions: ['nconnect=4'],
  };
  const journal = { ...noJournal, exists: true, mountPointProtected: true };
  const answer = { type: 'notAsked' } as const;
  const facts: NfsFacts = { mountPoint: unmounted, journal, missing: [], answer };

  test('is mounted hard, without the two minutes of retries, at the bracketed address', () => {
    const plan = planNodeMount({ type: 'nfs', intent, facts });
    assert.ok(plan.type === 'step' && plan.step.type === 'mount');
    assert.equal(plan.step.source, '[fd00::5]:/data');
    for (const option of ['nfsvers=4.1', 'hard', 'retry=0', 'nosuid', 'nodev', 'nconnect=4'])
      assert.ok(plan.step.options.includes(option), option);
  });

  test('gets no marker file: the export belongs to somebody else', () => {
    const mountPoint = { ...mounted, marker: { type: 'none' } } as const;
    const plan = planNodeMount({ type: 'nfs', intent, facts: { ...facts, mountPoint } });
    assert.ok(plan.type === 'step' && plan.step.type === 'recordActive');
  });
});

test('the same pool always gets the same UUIDs, another pool others', () => {
  assert.match(ARRAY, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(derivedUuid(POOL, 'array'), ARRAY);
  assert.notEqual(FILESYSTEM, ARRAY);
  assert.notEqual(derivedUuid('another', 'array'), ARRAY);
  assert.ok(`any:${arrayNameFor(POOL)}`.length <= 32);
});
