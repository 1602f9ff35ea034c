// What is done to an array in use, as a table: facts in, one step or one complaint out.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type DeviceContents, type DeviceFacts, identityKey } from './disks.ts';
import { refuseOptions } from './mkfs-options.ts';
import type { JournalFacts } from './node-mount-facts.ts';
import { derivedUuid } from './node-mount-identity.ts';
import type {
  ArrayFacts,
  ArrayMemberFacts,
  MdadmFacts,
  MdadmIntent,
} from './node-mount-mdadm-facts.ts';
import { isArrayFailed } from './node-mount-mdadm-health.ts';
import { planUpkeep } from './node-mount-mdadm-upkeep.ts';

const POOL = '0f0e0d0c-0b0a-4908-8706-050403020100';
const ARRAY = derivedUuid(POOL, 'array');
const GIBIBYTE = 2 ** 30;

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
  ends: 'busy',
};

function aDisk(serial: string, overrides: Partial<DeviceFacts> = {}): DeviceFacts {
  return {
    path: `/dev/${serial}`,
    kernelName: serial,
    type: 'disk',
    serial,
    sizeBytes: 64 * GIBIBYTE,
    isReadOnly: false,
    isRotational: false,
    children: [],
    holders: [],
    mountPoints: [],
    contents: ours,
    ...overrides,
  };
}

function aMember(
  kernelName: string,
  slot: number | undefined,
  overrides: Partial<ArrayMemberFacts> = {},
): ArrayMemberFacts {
  return {
    path: `/dev/${kernelName}`,
    kernelName,
    state: slot === undefined ? 'spare' : 'in_sync',
    ...(slot === undefined ? {} : { slot }),
    sizeBytes: 63 * GIBIBYTE,
    dataOffsetBytes: 128 * 2 ** 20,
    isGone: false,
    ...overrides,
  };
}

function anArray(overrides: Partial<ArrayFacts> = {}): ArrayFacts {
  return {
    path: '/dev/md127',
    kernelName: 'md127',
    uuid: ARRAY,
    level: 1,
    raidDisks: 2,
    sizeBytes: 63 * GIBIBYTE,
    memberBytes: 63 * GIBIBYTE,
    chunkBytes: 512 * 1024,
    state: 'clean',
    degraded: 0,
    syncAction: 'idle',
    members: [aMember('a', 0), aMember('b', 1)],
    ...overrides,
  };
}

const journalOf = (serials: readonly string[], more: Partial<JournalFacts> = {}): JournalFacts => ({
  exists: true,
  claims: serials.map((serial) => aDisk(serial)),
  array: 'made',
  filesystem: 'made',
  active: true,
  mountPoint: 'made',
  mountPointProtected: true,
  erasing: [],
  wiped: [],
  wiping: [],
  filesystemSizedTo: 63 * GIBIBYTE,
  initialSyncCompletedAt: '2026-01-01T00:00:00Z',
  ...more,
});

interface Case {
  readonly names: readonly string[];
  readonly intent?: Partial<MdadmIntent>;
  readonly array?: Partial<ArrayFacts>;
  readonly disks?: readonly DeviceFacts[];
  readonly journal?: Partial<JournalFacts>;
  readonly others?: ReadonlyMap<string, string>;
  readonly now?: string;
  /** A step's type, or a complaint's words, or `settled`. */
  readonly want: string | RegExp;
}

function run({ names, intent, array, disks, journal, others, now }: Case): string {
  const facts: MdadmFacts = {
    devices: disks ?? ['a', 'b'].map((name) => aDisk(name)),
    filesystem: { type: 'found', filesystem: 'ext4', uuid: undefined },
    mountPoint: {
      path: '/m',
      exists: true,
      entries: 0,
      isImmutable: false,
      mounts: [{ source: '/dev/md127', filesystem: 'ext4', isOurs: true }],
      otherTargets: [],
      foreignHolders: [],
      marker: { type: 'found', poolUid: POOL },
    },
    journal: journalOf(['a', 'b'], journal),
    creatingMarkers: [],
    missing: [],
    claimedByOthers: others ?? new Map(),
    arrayHolders: [],
    now: now ?? '2026-01-02T00:00:00Z',
    bootId: 'boot-1',
  };
  const wish: MdadmIntent = {
    type: 'mdadm',
    poolUid: POOL,
    mountPath: '/m',
    mountRoot: '/',
    deletionPolicy: 'Retain',
    isDeleting: false,
    wasActive: true,
    arrayName: 'data',
    level: array?.level ?? 1,
    devices: names.map((serial) => ({ serial })),
    spares: 0,
    filesystem: 'ext4',
    mkfsOptions: [],
    mountOptions: [],
    ...intent,
  };
  const plan = planUpkeep(wish, facts, anArray(array));
  if (plan.type === 'step') {
    assert.equal(plan.step.isUpkeep, true, 'the storage stays in use');
    return plan.step.type;
  }
  assert.ok(plan.type === 'settled');
  return plan.complaint?.message ?? 'settled';
}

const fresh = (name: string, more: Partial<DeviceFacts> = {}) =>
  aDisk(name, { contents: blank, ...more });
const withC = [aDisk('a'), aDisk('b'), fresh('c')];
const claimedC = { claims: ['a', 'b', 'c'].map((name) => aDisk(name)) };
const spareC = { members: [aMember('a', 0), aMember('b', 1), aMember('c', undefined)] };
const withSpareC = [aDisk('a'), aDisk('b'), aDisk('c')];
const five = {
  level: 5,
  raidDisks: 3,
  members: [aMember('a', 0), aMember('b', 1), aMember('c', 2), aMember('d', undefined)],
};
const fiveDisks = ['a', 'b', 'c', 'd'].map((name) => aDisk(name));
const fiveJournal = { claims: fiveDisks };

const cases: Readonly<Record<string, Case>> = {
  'nothing to do': { names: ['a', 'b'], want: 'settled' },
  'a new disk is reserved before anything is written to it': {
    names: ['a', 'c'],
    disks: withC,
    want: 'claimDevices',
  },
  'then it joins as a spare': {
    names: ['a', 'c'],
    disks: withC,
    journal: claimedC,
    want: 'addMember',
  },
  'then it takes over from the one that leaves': {
    names: ['a', 'c'],
    disks: withSpareC,
    journal: claimedC,
    array: spareC,
    want: 'replaceMember',
  },
  'which is waited for': {
    names: ['a', 'c'],
    disks: withSpareC,
    journal: claimedC,
    array: {
      syncAction: 'recover',
      syncPercent: 40,
      members: [
        aMember('a', 0),
        aMember('b', 1, { state: 'in_sync,want_replacement' }),
        aMember('c', 1, { state: 'spare,replacement' }),
      ],
    },
    want: 'settled',
  },
  'and after which the old one is removed': {
    names: ['a', 'c'],
    disks: withSpareC,
    journal: claimedC,
    array: {
      members: [aMember('a', 0), aMember('c', 1), aMember('b', undefined, { state: 'faulty' })],
    },
    want: 'removeMember',
  },
  'and at last let go': {
    names: ['a', 'c'],
    disks: [aDisk('a'), aDisk('b', { contents: { ...ours, ends: 'data' } }), aDisk('c')],
    journal: claimedC,
    array: { members: [aMember('a', 0), aMember('c', 1)] },
    want: 'letGoDevice',
  },
  'never while the array lacks a member': {
    names: ['a', 'c'],
    disks: [aDisk('a'), aDisk('b', { contents: { ...ours, ends: 'data' } }), aDisk('c')],
    journal: { ...claimedC, outdated: ['b', 'c'].map((name) => identityKey(aDisk(name))) },
    array: { degraded: 1, members: [aMember('a', 0)] },
    want: /spec does not|settled|reAddMember/,
  },
  'a disk without a successor stays, and that is said': {
    names: ['a'],
    intent: { devices: [{ serial: 'a' }, { serial: 'zz' }] },
    want: /No device matches serial zz/,
  },
  'one that another pool has': {
    names: ['a', 'c'],
    disks: withC,
    others: new Map([[identityKey(aDisk('c')), 'team/other']]),
    want: /belongs to team\/other/,
  },
  'one that is too small': {
    names: ['a', 'c'],
    disks: [aDisk('a'), aDisk('b'), fresh('c', { sizeBytes: 10 * GIBIBYTE })],
    want: /bytes needed/,
  },
  'one that is named twice': { names: ['a', 'b', 'b'], want: /more than once/ },
  'a spare is not used up by a disk that leaves without a successor': {
    names: ['a', 'c'],
    intent: { spares: 1 },
    disks: withSpareC,
    journal: claimedC,
    array: spareC,
    want: /name a disk that takes its place|cannot be made smaller/,
  },
  'more disks: the array is spread over them': {
    names: ['a', 'b', 'c', 'd'],
    disks: fiveDisks,
    journal: fiveJournal,
    array: five,
    want: 'growArray',
  },
  'more disks, while another one is still being filled': {
    names: ['a', 'b', 'c', 'd'],
    disks: fiveDisks,
    journal: { ...fiveJournal, outdated: ['b', 'd'].map((name) => identityKey(aDisk(name))) },
    array: {
      ...five,
      degraded: 1,
      syncAction: 'recover',
      syncPercent: 3,
      members: [
        aMember('a', 0),
        aMember('b', 1, { state: 'spare' }),
        aMember('c', 2),
        aMember('d', undefined),
      ],
    },
    want: 'settled',
  },
  'more disks, and no room for the kernel to work in': {
    names: ['a', 'b', 'c', 'd'],
    disks: fiveDisks,
    journal: fiveJournal,
    array: { ...five, members: five.members.map((one) => ({ ...one, dataOffsetBytes: 2 ** 20 })) },
    want: /before their data/,
  },
  'fewer disks of a RAID5': {
    names: ['a', 'b', 'c'],
    disks: fiveDisks,
    journal: fiveJournal,
    array: {
      ...five,
      raidDisks: 4,
      members: five.members.map((one, slot) => ({ ...one, slot, state: 'in_sync' })),
    },
    want: /name a disk that takes its place|cannot be made smaller/,
  },
  'larger members': {
    names: ['a', 'b'],
    array: { memberBytes: 32 * GIBIBYTE },
    want: 'growMembers',
  },
  'a larger array': {
    names: ['a', 'b'],
    journal: { filesystemSizedTo: 32 * GIBIBYTE },
    want: 'growFilesystem',
  },
  'a larger array that is still being reshaped': {
    names: ['a', 'b'],
    journal: { filesystemSizedTo: 32 * GIBIBYTE },
    array: { syncAction: 'reshape', syncPercent: 99 },
    want: 'settled',
  },
  'an array that was adopted as it is keeps its members': {
    names: [],
    intent: { adoptArrayUuid: ARRAY },
    array: { memberBytes: 32 * GIBIBYTE },
    want: 'settled',
  },
  'a failed array is left alone': {
    names: ['a', 'c'],
    disks: withC,
    array: { degraded: 2, members: [] },
    want: 'settled',
  },
  'a scrub that is asked for': {
    names: ['a', 'b'],
    intent: { scrubRequest: 'now' },
    want: 'startScrub',
  },
  'a scrub that was asked for and made': {
    names: ['a', 'b'],
    intent: { scrubRequest: 'now' },
    journal: {
      scrub: {
        request: 'now',
        startedAt: '',
        completedAt: '2026-01-01T10:00:00Z',
        bootId: 'boot-1',
      },
    },
    want: 'settled',
  },
  'a scrub that has ended': {
    names: ['a', 'b'],
    journal: { scrub: { startedAt: '2026-01-01T10:00:00Z', bootId: 'boot-1' } },
    want: 'recordScrub',
  },
  'a scrub that a restart broke off': {
    names: ['a', 'b'],
    journal: { scrub: { startedAt: '2026-01-01T10:00:00Z', bootId: 'boot-0' } },
    want: 'startScrub',
  },
  'a scrub that is due': {
    names: ['a', 'b'],
    intent: { scrubIntervalMilliseconds: 86_400_000 },
    now: '2026-01-02T00:00:01Z',
    want: 'startScrub',
  },
  'a scrub of a RAID0': {
    names: ['a', 'b'],
    intent: { scrubRequest: 'now' },
    array: { level: 0, syncAction: undefined, memberBytes: 0 },
    want: /cannot be scrubbed/,
  },
};

describe('an array in use', () => {
  for (const [sentence, one] of Object.entries(cases))
    test(sentence, () => {
      const got = run(one);
      if (typeof one.want === 'string') assert.equal(got, one.want);
      else assert.match(got, one.want);
    });
});

describe('how many members may be lost', () => {
  const lost = (level: number, raidDisks: number, ...slots: number[]): boolean => {
    const members = Array.from({ length: raidDisks }, (_, slot) => aMember(`m${slot}`, slot));
    const left = members.filter((_, slot) => !slots.includes(slot));
    return isArrayFailed(anArray({ level, raidDisks, degraded: slots.length, members: left }));
  };
  const table: [number, number, number[], boolean][] = [
    [1, 3, [0, 1], false],
    [1, 2, [0, 1], true],
    [5, 3, [2], false],
    [5, 3, [0, 2], true],
    [6, 4, [0, 1], false],
    [6, 4, [0, 1, 2], true],
    [10, 4, [0, 2], false],
    [10, 4, [0, 1], true],
    [10, 4, [1, 2], false],
    [10, 3, [0, 2], true],
  ];
  const copies: Record<
    string,
    { layout: number; raidDisks: number; slots: number[]; want: boolean }
  > = {
    'three near copies, two of them lost': {
      layout: 0x103,
      raidDisks: 3,
      slots: [0, 1],
      want: false,
    },
    'three near copies, all lost': { layout: 0x103, raidDisks: 6, slots: [3, 4, 5], want: true },
    'far copies lie on neighbours, whoever those are': {
      layout: 0x201,
      raidDisks: 4,
      slots: [1, 2],
      want: true,
    },
  };
  for (const [what, { layout, raidDisks, slots, want }] of Object.entries(copies))
    test(`RAID10 with ${what}`, () => {
      const all = Array.from({ length: raidDisks }, (_, slot) => aMember(`m${slot}`, slot));
      const members = all.filter((_, slot) => !slots.includes(slot));
      const array = anArray({ level: 10, layout, raidDisks, degraded: slots.length, members });
      assert.equal(isArrayFailed(array), want);
    });
  for (const [level, raidDisks, slots, want] of table)
    test(`RAID${level} of ${raidDisks} without ${slots}: ${want ? 'lost' : 'can be used'}`, () =>
      assert.equal(lost(level, raidDisks, ...slots), want));
});

describe('further words for mkfs', () => {
  for (const [filesystem, ...words] of [
    ['ext4', '-i', '8192'],
    ['ext4', '-O', '^has_journal', '-T', 'largefile'],
    ['xfs', '-d', 'su=64k,sw=3'],
  ] as const)
    test(`${filesystem} ${words.join(' ')}`, () =>
      assert.equal(refuseOptions(filesystem, words), undefined));
  for (const [filesystem, ...words] of [
    ['ext4', '-F'],
    ['ext4', '-n', '1'],
    ['ext4', '/dev/sdb'],
    ['ext4', '-J', 'device=UUID=1234'],
    ['ext4', '-i'],
    ['ext4', '-U', 'random'],
    ['xfs', '-l', 'logdev=sdb'],
    ['xfs', '-d', 'file,name=x'],
    ['xfs', '-N', '1'],
    ['xfs', '-m', 'uuid=1'],
  ] as const)
    test(`never ${filesystem} ${words.join(' ')}`, () =>
      assert.match(refuseOptions(filesystem, words) ?? '', /mkfsOptions/));
});
