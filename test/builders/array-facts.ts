// An array on a node as the planner sees it, and tables of what it decides.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeviceContents, DeviceFacts } from '../../src/plan/disks.ts';
import { planNodeMount } from '../../src/plan/node-mount.ts';
import type { JournalFacts, MountPointFacts } from '../../src/plan/node-mount-facts.ts';
import { derivedUuid } from '../../src/plan/node-mount-identity.ts';
import type {
  ArrayFacts,
  ArrayMemberFacts,
  MdadmFacts,
  MdadmIntent,
} from '../../src/plan/node-mount-mdadm-facts.ts';

export const POOL = '0f0e0d0c-0b0a-4908-8706-050403020100';
export const ARRAY = derivedUuid(POOL, 'array');
export const FILESYSTEM = derivedUuid(POOL, 'filesystem');
export const PATH = '/var/lib/poolkeeper/mounts/default/data';

export const blank: DeviceContents = {
  signatures: 'none',
  types: [],
  superblock: { type: 'none' },
  ends: 'zero',
};
export const ours: DeviceContents = {
  signatures: 'found',
  types: ['linux_raid_member'],
  superblock: { type: 'member', arrayUuid: ARRAY, name: 'any:data' },
  ends: 'data',
};

export function aDisk(serial: string, contents: DeviceContents = blank): DeviceFacts {
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

export const [one, two] = [aDisk('one'), aDisk('two')];
export const members = [aDisk('one', ours), aDisk('two', ours)];

export function aMember(kernelName: string, slot: number): ArrayMemberFacts {
  const size = { sizeBytes: 2 ** 36 - 2 ** 20, dataOffsetBytes: 2 ** 20, isGone: false };
  return { path: `/dev/${kernelName}`, kernelName, state: 'in_sync', slot, ...size };
}

export const anArray = (overrides: Partial<ArrayFacts> = {}): ArrayFacts => ({
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

export const noJournal: JournalFacts = {
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
export const claimed: JournalFacts = { ...noJournal, exists: true, claims: [one, two] };
export const madeArray: JournalFacts = { ...claimed, array: 'made' };
export const complete: JournalFacts = {
  ...madeArray,
  filesystem: 'made',
  active: true,
  mountPoint: 'made',
  mountPointProtected: true,
};

export const unmounted: MountPointFacts = {
  path: PATH,
  exists: true,
  entries: 0,
  isImmutable: false,
  mounts: [],
  otherTargets: [],
  foreignHolders: [],
  marker: { type: 'none' },
};
export const mounted: MountPointFacts = {
  ...unmounted,
  mounts: [{ source: '/dev/md127', filesystem: 'ext4', isOurs: true }],
  marker: { type: 'found', poolUid: POOL },
};
export const ourFilesystem = { type: 'found', filesystem: 'ext4', uuid: FILESYSTEM } as const;

export const anIntent = (overrides: Partial<MdadmIntent> = {}): MdadmIntent => ({
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

export const someFacts = (overrides: Partial<MdadmFacts> = {}): MdadmFacts => ({
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

export interface Case {
  readonly intent?: Partial<MdadmIntent>;
  readonly facts: Partial<MdadmFacts>;
  /** A step's type, a refusal's reason, or the plan's type; or what a refusal says. */
  readonly want: string | RegExp;
}

export function outcome({ intent, facts }: Case): string {
  const plan = planNodeMount({ type: 'mdadm', intent: anIntent(intent), facts: someFacts(facts) });
  if (plan.type === 'step') return plan.step.type;
  return plan.type === 'refuse' || plan.type === 'blocked' ? plan.reason : plan.type;
}

function words({ intent, facts }: Case): string {
  const plan = planNodeMount({ type: 'mdadm', intent: anIntent(intent), facts: someFacts(facts) });
  return 'message' in plan ? plan.message : plan.type;
}

export function play(cases: Readonly<Record<string, Case>>): void {
  for (const [name, given] of Object.entries(cases))
    test(name, () => {
      const { want } = given;
      if (typeof want === 'string') assert.equal(outcome(given), want);
      else assert.match(words(given), want);
    });
}
