import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  anInstanceClaim,
  aPoolInstance,
  aPoolVolume,
  claimRefTo,
  referenceTo,
} from '../../test/builders/members.ts';
import { timeAt, uidOf } from '../../test/builders/metadata.ts';
import type { InstanceClaim } from '../api/instance-claim.ts';
import type { PoolInstance } from '../api/pool-instance.ts';
import type { PoolVolume } from '../api/pool-volume.ts';
import {
  allocate,
  type Binding,
  isBindable,
  isClaimable,
  isFreshVolume,
  mayBeServed,
} from './allocation.ts';
import { canPair, shelved } from './stock.ts';

interface World {
  readonly claims?: readonly InstanceClaim[];
  readonly instances?: readonly PoolInstance[];
  readonly volumes?: readonly PoolVolume[];
}

function allocateAll({ claims = [], instances = [], volumes = [] }: World): Binding[] {
  const ownedBy = <M extends PoolInstance | PoolVolume>(members: readonly M[], uid: string) =>
    members.find(({ spec }) => spec.claimRef?.uid === uid);
  return allocate({
    claims: claims.map((claim) => ({
      claim,
      instance: ownedBy(instances, claim.metadata.uid),
      volume: ownedBy(volumes, claim.metadata.uid),
    })),
    ...shelved({
      instances,
      volumesOf: (pool) => volumes.filter(({ spec }) => spec.poolRef.name === pool),
    }),
    volumeNamed: (name) => volumes.find(({ metadata }) => metadata.name === name),
    heldBy: ({ metadata }) => volumes.filter(({ spec }) => spec.instanceRef?.uid === metadata.uid),
  });
}

/** `claim → instance + volume`, in the order of the bindings. */
function told(bindings: readonly Binding[]): string[] {
  return bindings.map(({ claim, instance, volume, unwanted }) => {
    const extra = unwanted.map(({ metadata }) => ` - ${metadata.name}`).join('');
    const disk = volume ? ` + ${volume.metadata.name}` : '';
    return `${claim.metadata.name} → ${instance.metadata.name}${disk}${extra}`;
  });
}

const at = (seconds: number) => ({ creationTimestamp: timeAt(seconds) });
const withDisk = { volumePool: 'disks' };
const another = anInstanceClaim({ name: 'another' });
const holder = aPoolInstance({ ordinal: 3 });

function naming(volume: PoolVolume, name = 'a'): InstanceClaim {
  const existing = { name: volume.metadata.name, uid: volume.metadata.uid };
  return anInstanceClaim({ name, spec: { volume: { type: 'Existing', existing } } });
}

const kept = aPoolVolume({
  spec: { lastClaimRef: claimRefTo(another) },
  status: { phase: 'Retained' },
});
const prewarmed = aPoolVolume({
  spec: { instanceRef: referenceTo(holder) },
  status: { phase: 'Attached' },
});
const warmHolder = aPoolInstance({
  ordinal: 3,
  status: {
    volumes: [
      { ...referenceTo(prewarmed), resourceId: prewarmed.status!.azure!.resourceId, lun: 0 },
    ],
  },
});

const cases: Record<string, { given: World; want: string[] }> = {
  'the oldest claim comes first, whatever its name': {
    given: {
      claims: [
        anInstanceClaim({ name: 'a', metadata: at(9) }),
        anInstanceClaim({ name: 'b', metadata: at(1) }),
      ],
      instances: [aPoolInstance()],
    },
    want: ['b → boxes-0'],
  },
  'the longest free member goes first': {
    given: {
      claims: [anInstanceClaim()],
      instances: [
        aPoolInstance({ ordinal: 0, status: { freeSince: timeAt(50) } }),
        aPoolInstance({ ordinal: 1, status: { freeSince: timeAt(20) } }),
      ],
    },
    want: ['claim → boxes-1'],
  },
  'members that are claimed, leaving, made or set aside are passed over': {
    given: {
      claims: [anInstanceClaim()],
      instances: [
        aPoolInstance({ ordinal: 0, spec: { claimRef: claimRefTo(another) } }),
        aPoolInstance({ ordinal: 1, metadata: { deletionTimestamp: timeAt(1) } }),
        aPoolInstance({ ordinal: 2, status: { phase: 'Creating' } }),
        aPoolInstance({ ordinal: 3, status: { phase: 'Quarantined' } }),
        aPoolInstance({ ordinal: 4, status: null }),
        aPoolInstance({ ordinal: 5 }),
      ],
    },
    want: ['claim → boxes-5'],
  },
  'a pair is made in one zone': {
    given: {
      claims: [anInstanceClaim(withDisk)],
      instances: [
        aPoolInstance({ ordinal: 0, zone: '1' }),
        aPoolInstance({ ordinal: 1, zone: '2' }),
      ],
      volumes: [aPoolVolume({ zone: '2' })],
    },
    want: ['claim → boxes-1 + disks-0'],
  },
  'a zone-redundant disk goes anywhere': {
    given: {
      claims: [anInstanceClaim(withDisk)],
      instances: [aPoolInstance({ zone: '1' })],
      volumes: [aPoolVolume({ zone: '2', spec: { sku: 'Premium_ZRS' } })],
    },
    want: ['claim → boxes-0 + disks-0'],
  },
  'a used disk never passes for a fresh one': {
    given: {
      claims: [anInstanceClaim(withDisk)],
      instances: [aPoolInstance()],
      volumes: [kept, aPoolVolume({ ordinal: 1, spec: { lastClaimRef: claimRefTo(another) } })],
    },
    want: [],
  },
  'who names a kept disk gets it': {
    given: { claims: [naming(kept)], instances: [aPoolInstance()], volumes: [kept] },
    want: ['a → boxes-0 + disks-0'],
  },
  'the same name with another uid is another disk': {
    given: {
      claims: [naming({ ...kept, metadata: { ...kept.metadata, uid: uidOf('former') } })],
      instances: [aPoolInstance()],
      volumes: [kept],
    },
    want: [],
  },
  'one disk is not given twice': {
    given: {
      claims: [naming(kept, 'a'), naming(kept, 'b')],
      instances: [aPoolInstance(), aPoolInstance({ ordinal: 1 })],
      volumes: [kept],
    },
    want: ['a → boxes-0 + disks-0'],
  },
  'a machine is kept aside for an older claim whose disk is being made': {
    given: {
      claims: [
        anInstanceClaim({ name: 'old', ...withDisk, metadata: at(1) }),
        anInstanceClaim({ name: 'young', metadata: at(2) }),
      ],
      instances: [aPoolInstance()],
    },
    want: [],
  },
  'nothing is kept aside for a claim that no machine could help': {
    given: {
      claims: [
        { ...naming(kept, 'old'), metadata: { ...naming(kept, 'old').metadata, ...at(-9) } },
        anInstanceClaim({ name: 'young', metadata: at(2) }),
      ],
      instances: [aPoolInstance()],
    },
    want: ['young → boxes-0'],
  },
  'a claim that has its machine gets the disk that it lacks': {
    given: {
      claims: [anInstanceClaim(withDisk)],
      instances: [aPoolInstance({ spec: { claimRef: claimRefTo(anInstanceClaim()) } })],
      volumes: [aPoolVolume()],
    },
    want: ['claim → boxes-0 + disks-0'],
  },
  'a prewarmed machine goes to a claim for a fresh disk of that pool': {
    given: {
      claims: [anInstanceClaim(withDisk)],
      instances: [aPoolInstance(), warmHolder],
      volumes: [prewarmed, aPoolVolume({ ordinal: 1 })],
    },
    want: ['claim → boxes-3 + disks-0'],
  },
  'a claim without a disk gets a bare machine, or a prewarmed one that lets go of its disk': {
    given: {
      claims: [
        anInstanceClaim({ name: 'a', metadata: at(1) }),
        anInstanceClaim({ name: 'b', metadata: at(2) }),
      ],
      instances: [warmHolder, aPoolInstance({ status: { freeSince: timeAt(99) } })],
      volumes: [prewarmed],
    },
    want: ['a → boxes-0', 'b → boxes-3 - disks-0'],
  },
};

describe('allocation', () => {
  for (const [name, { given, want }] of Object.entries(cases))
    test(name, () => assert.deepEqual(told(allocateAll(given)), want));

  test('no machine could help a claim whose disk is not there or is claimed', () => {
    const owned = aPoolVolume({ spec: { claimRef: claimRefTo(another) } });
    assert.equal(
      mayBeServed(naming(kept), () => kept),
      true,
    );
    assert.equal(
      mayBeServed(naming(kept), () => undefined),
      false,
    );
    assert.equal(
      mayBeServed(naming(owned), () => owned),
      false,
    );
    assert.equal(
      mayBeServed(anInstanceClaim(withDisk), () => undefined),
      true,
    );
  });
});

const zone = fc.constantFrom(undefined, '1', '2');
const phase = fc.constantFrom('Free' as const, 'Creating' as const, 'Failed' as const);
const member = fc.record({
  zone,
  phase,
  freeSince: fc.nat(50),
  isClaimed: fc.boolean(),
  isLeaving: fc.boolean(),
  isUsed: fc.boolean(),
});
const want = fc.record({ createdAt: fc.nat(20), kind: fc.constantFrom('bare', 'fresh', 'named') });

const anyWorld = fc
  .record({
    claims: fc.array(want, { maxLength: 12 }),
    instances: fc.array(member, { maxLength: 12 }),
    volumes: fc.array(member, { maxLength: 12 }),
  })
  .map(({ claims, instances, volumes }): Required<World> => {
    const overrides = (one: (typeof instances)[number], ordinal: number) => ({
      ordinal,
      ...(one.zone === undefined ? {} : { zone: one.zone }),
      metadata: one.isLeaving ? { deletionTimestamp: timeAt(1) } : {},
      spec: {
        ...(one.isClaimed ? { claimRef: claimRefTo(another) } : {}),
        ...(one.isUsed ? { lastClaimRef: claimRefTo(another) } : {}),
      },
      status: { phase: one.phase, freeSince: timeAt(one.freeSince) },
    });
    const disks = volumes.map((one, ordinal) => aPoolVolume(overrides(one, ordinal)));
    return {
      instances: instances.map((one, ordinal) => aPoolInstance(overrides(one, ordinal))),
      volumes: disks,
      claims: claims.map(({ createdAt, kind }, number) => {
        const name = `c${number}`;
        // Two at a time name the same disk.
        const named = disks[number - (number % 2)];
        const existing = named && { name: named.metadata.name, uid: named.metadata.uid };
        return anInstanceClaim({
          name,
          metadata: at(createdAt),
          ...(kind === 'fresh' ? withDisk : {}),
          ...(kind === 'named' && existing
            ? { spec: { volume: { type: 'Existing', existing } } }
            : {}),
        });
      }),
    };
  });

describe('whatever is allocated', () => {
  test('no member is given twice, all were nobody’s, pairs share a zone', () => {
    fc.assert(
      fc.property(anyWorld, (world) => {
        const bindings = allocateAll(world);
        const uids = bindings.flatMap(({ instance, volume }) =>
          [instance, volume].flatMap((one) => (one ? [one.metadata.uid] : [])),
        );
        assert.equal(new Set(uids).size, uids.length);
        const claims = bindings.map(({ claim }) => claim.metadata.uid);
        assert.equal(new Set(claims).size, claims.length);
        for (const { claim, instance, volume } of bindings) {
          assert.ok(isBindable(instance));
          if (!volume) continue;
          assert.ok(canPair(instance, volume));
          const asked = claim.spec.volume!;
          if (asked.type === 'New') assert.ok(isFreshVolume(volume));
          else assert.ok(isClaimable(volume, asked.existing.uid));
        }
      }),
    );
  });

  test('of claims for the same thing no younger one is served before an older one', () => {
    fc.assert(
      fc.property(anyWorld, (world) => {
        const served = new Set(allocateAll(world).map(({ claim }) => claim.metadata.uid));
        for (const kind of [undefined, 'New']) {
          const alike = world.claims
            .filter(({ spec }) => spec.volume?.type === kind)
            .sort((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1))
            .map(({ metadata }) => served.has(metadata.uid));
          assert.ok(!alike.slice(alike.indexOf(false) + 1 || alike.length).includes(true));
        }
      }),
    );
  });

  test('the order in which things are listed does not matter', () => {
    fc.assert(
      fc.property(anyWorld, (world) => {
        const { claims, instances, volumes } = world;
        const backwards = {
          claims: claims.toReversed(),
          instances: instances.toReversed(),
          volumes: volumes.toReversed(),
        };
        assert.deepEqual(told(allocateAll(backwards)), told(allocateAll(world)));
      }),
    );
  });
});

function orderOf({ metadata }: InstanceClaim): string {
  return `${metadata.creationTimestamp} ${metadata.uid}`;
}

describe('what a storage pool waits for', () => {
  const first = anInstanceClaim({ name: 'first', metadata: at(1), ...withDisk });
  const last = anInstanceClaim({ name: 'last', metadata: at(9), ...withDisk });
  const waitsSince = (seconds: number, count: number) => ({
    volumePool: 'disks',
    count,
    metadata: { ...at(seconds), uid: uidOf('StoragePool', 'data') },
  });
  const world = {
    ...shelved({
      instances: [aPoolInstance({ ordinal: 0 }), aPoolInstance({ ordinal: 1 })],
      volumesOf: () => [aPoolVolume({ ordinal: 0 }), aPoolVolume({ ordinal: 1 })],
    }),
    claims: [first, last].map((claim) => ({ claim, instance: undefined })),
    volumeNamed: () => undefined,
    heldBy: () => [],
  };

  test('is kept from younger claims, not from older ones', () => {
    const served = (bindings: readonly Binding[]) =>
      bindings.map(({ claim }) => claim.metadata.name);
    assert.deepEqual(served(allocate({ ...world, kept: [waitsSince(5, 2)] })), ['first']);
    assert.deepEqual(served(allocate({ ...world, kept: [waitsSince(0, 2)] })), []);
    assert.deepEqual(served(allocate({ ...world, kept: [waitsSince(0, 1)] })), ['first']);
    assert.deepEqual(served(allocate({ ...world, kept: [waitsSince(10, 2)] })), ['first', 'last']);
  });
});
