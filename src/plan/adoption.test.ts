import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { anInstanceClaim, aPoolInstance } from '../../test/builders/members.ts';
import { namespace, timeAt, uidOf } from '../../test/builders/metadata.ts';
import { anInstancePool, aVolumePool } from '../../test/builders/pools.ts';
import type { InstanceClaim } from '../api/instance-claim.ts';
import type { StoragePool } from '../api/storage-pool.ts';
import {
  type AdoptionWorld,
  type FoundInstance,
  type FoundVolume,
  planInstanceAdoptions,
  planVolumeAdoptions,
} from './adoption.ts';

const group = '/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute';
const scope = { location: 'westeurope' };

function tagsOf(uid: string, overrides: Record<string, string>): Record<string, string> {
  const tags = {
    installation: 'test',
    status: 'free',
    'pool-namespace': namespace,
    slot: '0',
    uid,
    created: timeAt(60),
    ...overrides,
  };
  return Object.fromEntries(
    Object.entries(tags).map(([key, value]) => [`poolkeeper:${key}`, value]),
  );
}

function aMachine(uid: string, overrides: Record<string, string> = {}): FoundInstance {
  const name = `pkvm-${uid}`;
  const tags = tagsOf(uid, { role: 'instance', pool: 'boxes', ...overrides });
  const id = `${group}/virtualMachines/${name}`;
  return { id, name, ...scope, tags, vmSize: 'Standard_D2s_v5', priority: 'Regular' };
}

function aDisk(
  uid: string,
  overrides: Record<string, string> = {},
  managedBy?: string,
): FoundVolume {
  const name = `pkvol-${uid}`;
  const tags = tagsOf(uid, { role: 'volume', pool: 'disks', ...overrides });
  const disk = {
    id: `${group}/disks/${name}`,
    name,
    ...scope,
    tags,
    sizeGiB: 32,
    sku: 'Premium_LRS',
  };
  return managedBy === undefined ? disk : { ...disk, managedBy };
}

function aWorld(overrides: Partial<AdoptionWorld> = {}): AdoptionWorld {
  return {
    instancePools: [anInstancePool()],
    volumePools: [aVolumePool()],
    instances: [],
    volumes: [],
    claims: [],
    ...overrides,
  };
}

function claimTags({ metadata }: InstanceClaim): Record<string, string> {
  return {
    'claim-namespace': metadata.namespace,
    'claim-name': metadata.name,
    'claim-uid': metadata.uid,
  };
}

const alice = anInstanceClaim({ name: 'alice', volumePool: 'disks' });
const served = anInstanceClaim({
  name: 'alice',
  volumePool: 'disks',
  status: {
    instance: { name: 'boxes-0', uid: 'vm-1' },
    volume: { name: 'disks-0', uid: 'disk-1' },
  },
});

const machines: Record<
  string,
  {
    given: Record<string, string>;
    world?: Partial<AdoptionWorld>;
    claim?: string;
    last?: string;
    aside?: RegExp;
  }
> = {
  'free, younger than its pool: free again': { given: {} },
  'made for nobody yet: goes on': { given: { status: 'creating' } },
  'free, older than its pool: set aside': { given: { created: timeAt(-60) }, aside: /older/ },
  'without a time of creation: set aside': { given: { created: '' }, aside: /older/ },
  "a claim's status says so: its own": {
    given: { status: 'connected', ...claimTags(served) },
    world: { claims: [served] },
    claim: 'alice',
  },
  "a claim's status goes before lagging tags": {
    given: {},
    world: { claims: [served] },
    claim: 'alice',
  },
  'bound in the moment of the loss: the tags say so': {
    given: { status: 'connected', ...claimTags(alice) },
    world: { claims: [alice] },
    claim: 'alice',
  },
  'the claim of its tags has another': {
    given: { status: 'connected', uid: 'vm-2', ...claimTags(served) },
    world: { claims: [served] },
    last: 'alice',
    aside: /does not own it/,
  },
  'the claim of its tags is gone': {
    given: { status: 'connected', ...claimTags(alice) },
    last: 'alice',
    aside: /does not exist/,
  },
  'on its way out': { given: { status: 'deleting' }, aside: /deleting/ },
  'set aside before': {
    given: { status: 'quarantined', ...claimTags(alice) },
    last: 'alice',
    aside: /does not exist/,
  },
};

for (const [name, { given, world, claim, last, aside }] of Object.entries(machines)) {
  test(`a machine without a record: ${name}`, () => {
    const [adoption] = planInstanceAdoptions([aMachine('vm-1', given)], aWorld(world));
    assert.ok(adoption);
    const { spec } = adoption;
    assert.equal(spec.claimRef?.name, claim);
    assert.equal(spec.lastClaimRef?.name, last);
    if (aside) assert.match(spec.adopt?.quarantine ?? '', aside);
    else assert.equal(spec.adopt?.quarantine, undefined);
  });
}

test('claims that are all gone make free siblings suspicious', () => {
  const found = [
    aMachine('vm-1', { slot: '1' }),
    aMachine('vm-2', { slot: '2', status: 'connected', ...claimTags(alice) }),
  ];
  const adoptions = planInstanceAdoptions(found, aWorld());
  assert.ok(adoptions.every(({ spec }) => spec.adopt?.quarantine !== undefined));
});

test('claims that came since the others were lost prove nothing of those', () => {
  const found = [
    aMachine('vm-1', { slot: '1' }),
    aMachine('vm-2', { slot: '2', status: 'connected', ...claimTags(alice) }),
  ];
  const [free] = planInstanceAdoptions(
    found,
    aWorld({ claims: [anInstanceClaim({ name: 'bob' })] }),
  );
  assert.match(free?.spec.adopt?.quarantine ?? '', /claim alice.* claims may have been lost/);
});

const holder = aPoolInstance({
  spec: { claimRef: { namespace, name: 'alice', uid: served.metadata.uid } },
});
const holderId = holder.status?.azure?.resourceId.toLowerCase();
const isBoundWorld = { claims: [served], instances: [holder] };

const disks: Record<
  string,
  {
    given: Record<string, string>;
    managedBy?: string | undefined;
    world?: Partial<AdoptionWorld>;
    claim?: string;
    last?: string;
    holder?: string;
    aside?: RegExp;
  }
> = {
  'free: free again': { given: {} },
  'attached for its claim': {
    given: { status: 'attached', ...claimTags(served) },
    managedBy: holderId,
    world: isBoundWorld,
    claim: 'alice',
    holder: 'boxes-0',
  },
  'the claim has it, nothing holds it: attached again': {
    given: { status: 'attached', ...claimTags(served) },
    world: isBoundWorld,
    claim: 'alice',
    holder: 'boxes-0',
  },
  'attached ahead of time': {
    given: { status: 'attached' },
    managedBy: holderId,
    world: { instances: [aPoolInstance()] },
    holder: 'boxes-0',
  },
  'kept for whoever names it': {
    given: { status: 'retained', ...claimTags(alice) },
    last: 'alice',
  },
  'held by a machine of somebody else': {
    given: {},
    managedBy: `${group}/virtualMachines/theirs`.toLowerCase(),
    aside: /theirs, which is not ours/,
  },
  'used by a claim that is gone': {
    given: { status: 'attached', ...claimTags(alice) },
    last: 'alice',
    aside: /does not exist/,
  },
};

for (const [name, { given, managedBy, world, ...want }] of Object.entries(disks)) {
  test(`a disk without a record: ${name}`, () => {
    const [adoption] = planVolumeAdoptions([aDisk('disk-1', given, managedBy)], aWorld(world));
    assert.ok(adoption);
    const { spec } = adoption;
    assert.equal(spec.claimRef?.name, want.claim);
    assert.equal(spec.lastClaimRef?.name, want.last);
    assert.equal(spec.instanceRef?.name, want.holder);
    if (want.aside) assert.match(spec.adopt?.quarantine ?? '', want.aside);
    else assert.equal(spec.adopt?.quarantine, undefined);
  });
}

test('a disk waits until the machine that holds it has its record', () => {
  const held = aDisk('disk-1', {}, `${group}/virtualMachines/pkvm-unknown`.toLowerCase());
  assert.deepEqual(planVolumeAdoptions([held], aWorld()), []);
});

const found = fc.record({
  number: fc.nat(11),
  slot: fc.constantFrom('0', '1', '2', '3', 'x', ''),
  status: fc.constantFrom('free', 'creating', 'connected', 'releasing', 'deleting', 'quarantined'),
  claim: fc.option(fc.nat(3), { nil: undefined }),
});
const claimArbitrary = fc.record({
  number: fc.nat(3),
  owns: fc.option(fc.nat(11), { nil: undefined }),
});

function build(rows: readonly (typeof found extends fc.Arbitrary<infer T> ? T : never)[]) {
  return rows.map(({ number, slot, status, claim }) => {
    const owner = claim === undefined ? {} : claimTags(anInstanceClaim({ name: `c${claim}` }));
    return aMachine(uidOf('vm', `${number}`), { slot, status, ...owner });
  });
}

test('whatever is found: one slot and one record each, one of a kind for a claim, in any order', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(found, { selector: ({ number }) => number }),
      fc.uniqueArray(claimArbitrary, { selector: ({ number }) => number }),
      fc.nat(3),
      (rows, owners, taken) => {
        const claims = owners.map(({ number, owns }) =>
          anInstanceClaim({
            name: `c${number}`,
            status:
              owns === undefined
                ? {}
                : { instance: { name: 'boxes-0', uid: uidOf('vm', `${owns}`) } },
          }),
        );
        const world = aWorld({ claims, instances: [aPoolInstance({ ordinal: taken })] });
        const machines = build(rows);
        const plan = planInstanceAdoptions(machines, world);
        const unique = (values: unknown[]) => new Set(values).size === values.length;
        assert.equal(plan.length, machines.length);
        assert.ok(unique(plan.map(({ spec }) => spec.ordinal)));
        assert.ok(plan.every(({ spec }) => spec.ordinal !== taken));
        assert.ok(unique(plan.map(({ spec }) => spec.adopt?.uid)));
        assert.ok(unique(plan.flatMap(({ spec }) => spec.claimRef?.uid ?? [])));
        for (const { spec } of plan) assert.ok(!(spec.claimRef && spec.adopt?.quarantine));
        assert.deepEqual(planInstanceAdoptions([...machines].reverse(), world), plan);
      },
    ),
    { numRuns: 200 },
  );
});

const nodeMachine = `${group}/virtualMachines/node-1`.toLowerCase();
const arrayPool = {
  apiVersion: 'poolkeeper.dev/v1alpha1',
  kind: 'StoragePool',
  metadata: { name: 'data', namespace, uid: uidOf('StoragePool', 'data') },
  spec: { type: 'mdadm', mdadm: { nodeName: 'node-1' } },
  status: { volumes: [{ name: 'disks-0', uid: 'disk-1', state: 'Attached' }] },
} as unknown as StoragePool;

test('disks without records: all that a storage pool has are its own again, whatever tags say', () => {
  const mine = { 'claim-name': 'data', 'claim-namespace': namespace };
  const tags = { status: 'attached', ...mine, 'claim-uid': arrayPool.metadata.uid };
  const found = [aDisk('disk-1', {}, nodeMachine), aDisk('disk-2', tags, nodeMachine)];
  const adoptions = planVolumeAdoptions(found, aWorld({ storagePools: [arrayPool] }));
  const owners = adoptions.map(({ spec }) => [
    spec.claimRef?.name,
    spec.node,
    spec.adopt?.quarantine,
  ]);
  const expected = ['data', { name: 'node-1', machineId: nodeMachine }, undefined];
  assert.deepEqual(owners, [expected, expected]);
});
