// What other warm pools got wrong, each as a case that this one gets right. That a case would notice
// the defect is proved by test/mutations, which puts the defect in and watches the case fail.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  anInstanceClaim,
  aPoolInstance,
  aPoolVolume,
  claimRefTo,
  type InstanceOverrides,
  referenceTo,
} from '../../test/builders/members.ts';
import { createdAt, timeAt, uidOf } from '../../test/builders/metadata.ts';
import {
  anInstancePool,
  aVolumePool,
  location,
  resourceGroup,
  subscriptionId,
} from '../../test/builders/pools.ts';
import { resourceFinalizer } from '../api/names.ts';
import type { PoolInstance } from '../api/pool-instance.ts';
import type { PoolVolume } from '../api/pool-volume.ts';
import type { VolumePool } from '../api/volume-pool.ts';
import { allocate } from './allocation.ts';
import { type GarbageInput, planGarbage } from './garbage.ts';
import { planInstanceClaim } from './instance-claim.ts';
import { memberTags } from './member.ts';
import {
  type MachineSeen,
  machineName,
  type PoolInstanceSnapshot,
  planPoolInstance,
} from './pool-instance.ts';
import type { OperationSeen } from './pool-volume.ts';
import { shelved } from './stock.ts';
import { planVolumePool } from './volume-pool.ts';

const NOW = createdAt + 3_600_000;
const defaults = { subscriptionId, resourceGroup, location };
const url = 'https://management.azure.com/operations/1';
const inProgress: OperationSeen = { state: 'InProgress' };
const deleted = { deletionTimestamp: timeAt(60) };

/** What the pool would retire and create now. */
function decisionOf(pool: VolumePool, members: readonly PoolVolume[]) {
  const { steps, status } = planVolumePool(
    {
      pool,
      members,
      waitingClaims: 0,
      goldenSnapshot: 'unread',
      defaults,
      discovery: { state: 'complete', wasComplete: true, missing: [] },
    },
    NOW,
  );
  return {
    status,
    retired: steps.flatMap((step) => (step.type === 'retireMember' ? [step.name] : [])),
    created: steps.filter(({ type }) => type === 'createMember').length,
  };
}

/** So many free disks of a pool, all free for the same time. */
function freeDisks(count: number, pool = 'disks'): PoolVolume[] {
  return Array.from({ length: count }, (_, ordinal) => aPoolVolume({ pool, ordinal }));
}

describe('the size of a pool', () => {
  const scaling = { minFree: 2, maxFree: 4, maxTotal: 10, scaleDownCooldown: '10m' };

  test('a cooldown outlives the process: the status alone remembers it', () => {
    const recently = { lastScaleDownTime: timeAt(3600 - 60) };
    const pool = aVolumePool({ scaling, status: recently });
    assert.deepEqual(decisionOf(pool, freeDisks(6)).retired, []);
    const longAgo = { lastScaleDownTime: timeAt(3600 - 601) };
    const later = aVolumePool({ scaling, status: longAgo });
    assert.equal(decisionOf(later, freeDisks(6)).retired.length, 2);
  });

  test('a pool that shrinks holds no other pool back', () => {
    const [one, other] = [aVolumePool({ scaling }), aVolumePool({ name: 'others', scaling })];
    assert.equal(decisionOf(one, freeDisks(6)).retired.length, 2);
    assert.equal(decisionOf(other, freeDisks(6, 'others')).retired.length, 2);
  });

  test('members on their way out keep their slots until they are gone', () => {
    const going = Array.from({ length: 10 }, (_, ordinal) =>
      aPoolVolume({ ordinal, metadata: deleted, status: { phase: 'Deleting' } }),
    );
    assert.equal(decisionOf(aVolumePool({ scaling }), going).created, 0);
  });

  test('the same disks go, in whatever order the cache lists them', () => {
    const [disks, pool] = [freeDisks(6), aVolumePool({ scaling })];
    assert.deepEqual(decisionOf(pool, disks).retired.sort(), ['disks-0', 'disks-1']);
    const reversed = [...disks].reverse();
    assert.deepEqual(decisionOf(pool, reversed).retired.sort(), ['disks-0', 'disks-1']);
  });

  test('a pool that is deleted leaves what claims own', () => {
    const claimed = aPoolVolume({
      ordinal: 1,
      spec: { claimRef: claimRefTo(anInstanceClaim()) },
      status: { phase: 'Attached' },
    });
    const kept = aPoolVolume({
      ordinal: 2,
      spec: { lastClaimRef: claimRefTo(anInstanceClaim()) },
      status: { phase: 'Retained' },
    });
    const pool = aVolumePool({ metadata: deleted });
    assert.deepEqual(decisionOf(pool, [aPoolVolume(), claimed, kept]).retired, ['disks-0']);
  });
});

/** The live machine of an instance, running and tagged as ours. */
function machineOf(instance: PoolInstance, overrides: Partial<MachineSeen> = {}): MachineSeen {
  return {
    id: instance.status?.azure?.resourceId ?? '/virtualMachines/vm',
    name: machineName(instance),
    provisioningState: 'Succeeded',
    tags: memberTags(instance, 'test', 'free', undefined),
    vmId: uidOf('vm', instance.metadata.uid),
    etag: '"1"',
    vmSize: 'Standard_D2s_v5',
    powerState: 'running',
    hibernated: false,
    dataDisks: [],
    networkInterfaceIds: ['/networkInterfaces/nic'],
    ...overrides,
  };
}

function planOf(instance: PoolInstance, seen: Partial<PoolInstanceSnapshot> = {}) {
  return planPoolInstance(
    {
      instance,
      pool: anInstancePool(),
      machine: machineOf(instance),
      operation: undefined,
      claim: 'none',
      volumes: [],
      leftovers: [],
      installation: 'test',
      pollPace: 1,
      ...seen,
    },
    NOW,
  );
}

/** An instance on its way out of a claim, with the claim's disk still in it. */
function aRelease(overrides: Partial<PoolInstance['status'] & object> = {}) {
  const claimRef = claimRefTo(anInstanceClaim());
  const bare = aPoolInstance();
  const volume = aPoolVolume({
    spec: { claimRef, instanceRef: referenceTo(bare) },
    status: { phase: 'Attached', lun: 0 },
  });
  const { resourceId } = volume.status!.azure!;
  const { name, uid } = volume.metadata;
  const instance = aPoolInstance({
    spec: { claimRef },
    status: {
      phase: 'Releasing',
      volumes: [{ name, uid, resourceId, lun: 0 }],
      operation: { type: 'Detach', url, startedAt: timeAt(3590) },
      ...overrides,
    },
  });
  const dataDisks = [{ lun: 0, diskId: resourceId, toBeDetached: false }];
  return { instance, volume, machine: machineOf(instance, { dataDisks }) };
}

describe('a machine that is released', () => {
  for (const recyclePolicy of ['Replace', 'Reuse']) {
    test(`keeps its claim and its disk when the disk could not be detached: ${recyclePolicy}`, () => {
      const pool = anInstancePool({ spec: { recyclePolicy } });
      const { instance, volume, machine } = aRelease();
      const seen = { pool, machine, claim: 'over', volumes: [volume] } as const;
      const operation = { state: 'Failed', code: 'AttachDiskWhileBeingDetached', message: 'no' };
      const plan = planOf(instance, { ...seen, operation: operation as OperationSeen });
      assert.equal(plan.step, undefined);
      assert.equal(plan.status.phase, 'Releasing');
      assert.equal(plan.status.volumes.length, 1);
      assert.equal(plan.status.lastError?.code, 'AttachDiskWhileBeingDetached');
      const { operation: _, ...again } = plan.status;
      const retried = planOf(
        aRelease({ ...again, operation: undefined, nextAttemptTime: timeAt(0) }).instance,
        seen,
      );
      assert.equal(retried.step?.type, 'changeDataDisks');
    });
  }

  test('lets go of nothing on the word of an operation while the disk still shows', () => {
    const { instance, volume, machine } = aRelease();
    const seen = { machine, claim: 'over', volumes: [volume] } as const;
    const plan = planOf(instance, { ...seen, operation: { state: 'Succeeded' } });
    assert.equal(plan.step?.type, 'changeDataDisks');
    const bare = { ...machine, dataDisks: [] };
    assert.equal(planOf(instance, { ...seen, machine: bare }).step?.type, 'releaseVolumes');
  });
});

describe('a machine that goes', () => {
  const retired = (status: InstanceOverrides['status']) =>
    aPoolInstance({ metadata: { ...deleted, finalizers: [resourceFinalizer] }, status });

  test('takes what its failed creation left with it before its record goes', () => {
    const instance = retired({ phase: 'Failed' });
    const nic = { kind: 'networkInterface', id: '/networkInterfaces/nic' } as const;
    const osDisk = { kind: 'volume', id: '/disks/os' } as const;
    const stepWith = (leftovers: PoolInstanceSnapshot['leftovers']) =>
      planOf(instance, { machine: 'absent', leftovers }).step;
    assert.deepEqual(stepWith([nic, osDisk]), { type: 'deleteLeftover', leftover: nic });
    assert.deepEqual(stepWith([osDisk]), { type: 'deleteLeftover', leftover: osDisk });
    assert.deepEqual(stepWith([]), { type: 'releaseRecord' });
  });

  test('keeps its record until Azure has done more than accept the deletion', () => {
    const operation = { type: 'Delete', url, startedAt: timeAt(3590) } as const;
    const instance = retired({ phase: 'Deleting', operation });
    const machine = machineOf(instance, { provisioningState: 'Deleting' });
    for (const seen of [machine, 'absent'] as const) {
      const plan = planOf(instance, { machine: seen, operation: inProgress });
      assert.equal(plan.step, undefined);
      assert.ok(plan.waitMilliseconds, 'nobody would look again');
    }
    const gone = planOf(instance, { machine: 'absent', operation: { state: 'Succeeded' } });
    assert.equal(gone.step?.type, 'releaseRecord');
  });

  test('is left alone when its tags say that it is somebody else', () => {
    const instance = retired({ phase: 'Deleting' });
    const tags = { 'poolkeeper:uid': uidOf('another') };
    const plan = planOf(instance, { machine: machineOf(instance, { tags }) });
    assert.equal(plan.step?.type, 'releaseRecord');
  });
});

describe('a machine that comes', () => {
  test('is not free while Azure is still making it', () => {
    const instance = aPoolInstance({ status: { phase: 'Creating' } });
    const machine = machineOf(instance, { provisioningState: 'Creating' });
    const plan = planOf(instance, { machine });
    assert.equal(plan.status.phase, 'Creating');
    assert.equal(planOf(instance).status.phase, 'Free');
  });

  test('has a name that no other machine of its slot ever had', () => {
    const names = ['first', 'second'].map((life) =>
      machineName(aPoolInstance({ metadata: { name: 'boxes-0', uid: uidOf(life) } })),
    );
    assert.notEqual(names[0], names[1]);
  });
});

describe('a claim', () => {
  const volumePool = 'disks';

  test('is not Ready before Azure shows its disk in the machine', () => {
    const claim = anInstanceClaim({ volumePool });
    const claimRef = claimRefTo(claim);
    const bare = aPoolInstance({ spec: { claimRef }, status: { phase: 'Claimed' } });
    const volume = aPoolVolume({ spec: { claimRef, instanceRef: referenceTo(bare) } });
    const phaseWith = (instance: PoolInstance) => {
      const snapshot = {
        claim,
        pool: anInstancePool(),
        instance,
        volume,
        port: 'unread',
        waitsFor: { reason: 'Bound', message: '' },
        firstSeenAt: NOW,
      } as const;
      return planInstanceClaim(snapshot, NOW).status.phase;
    };
    assert.equal(phaseWith(bare), 'Bound');
    const { name, uid } = volume.metadata;
    const { resourceId } = volume.status!.azure!;
    const volumes = [{ name, uid, resourceId, lun: 0 }];
    const whole = aPoolInstance({ spec: { claimRef }, status: { phase: 'Claimed', volumes } });
    assert.equal(phaseWith(whole), 'Ready');
  });

  const bindings = (
    claims: ReturnType<typeof anInstanceClaim>[],
    instances: PoolInstance[],
    volumes: PoolVolume[] = [],
  ) =>
    allocate({
      claims: claims.map((claim) => ({ claim, instance: undefined })),
      ...shelved({ instances, volumesOf: () => volumes }),
      volumeNamed: (name) => volumes.find(({ metadata }) => metadata.name === name),
      heldBy: () => [],
    }).map(({ claim, instance }) => `${claim.metadata.name} gets ${instance.metadata.name}`);

  test('that came first is served first, from what waited longest, however the cache is sorted', () => {
    const claims = [
      anInstanceClaim({ name: 'b', metadata: { creationTimestamp: timeAt(2) } }),
      anInstanceClaim({ name: 'a', metadata: { creationTimestamp: timeAt(1) } }),
    ];
    const [longer, shorter] = [timeAt(-60), timeAt(0)];
    const instances = [
      aPoolInstance({ ordinal: 1, status: { freeSince: shorter } }),
      aPoolInstance({ ordinal: 2, status: { freeSince: longer } }),
    ];
    const want = ['a gets boxes-2', 'b gets boxes-1'];
    assert.deepEqual(bindings(claims, instances), want);
    assert.deepEqual(bindings([...claims].reverse(), [...instances].reverse()), want);
    assert.deepEqual(bindings(claims, instances.slice(0, 1)), ['a gets boxes-1']);
  });

  test('never gets the disk of another as a fresh one', () => {
    const used = aPoolVolume({ spec: { lastClaimRef: claimRefTo(anInstanceClaim()) } });
    const claim = anInstanceClaim({ name: 'next', volumePool });
    assert.deepEqual(bindings([claim], [aPoolInstance()], [used]), []);
    const never = aPoolVolume({ ordinal: 1 });
    assert.equal(bindings([claim], [aPoolInstance()], [used, never]).length, 1);
  });

  test('gets the disk of the uid that it names, not a successor of the same name', () => {
    const volume = aPoolVolume({ status: { phase: 'Retained' } });
    const { name, uid } = volume.metadata;
    const asking = (wanted: string) =>
      anInstanceClaim({
        spec: { volume: { type: 'Existing', existing: { name, uid: wanted } } },
      });
    assert.equal(bindings([asking(uid)], [aPoolInstance()], [volume]).length, 1);
    assert.deepEqual(bindings([asking(uidOf('former'))], [aPoolInstance()], [volume]), []);
  });
});

describe('what is in Azure without a record', () => {
  const row = (name: string, tags: Record<string, string> = {}) => ({
    id: `/disks/${name}`,
    kind: 'volume' as const,
    name,
    timeCreated: timeAt(0),
    tags: {
      'poolkeeper:installation': 'test',
      'poolkeeper:role': 'volume',
      'poolkeeper:status': 'free',
      'poolkeeper:uid': uidOf(name),
      ...tags,
    },
  });
  const MINUTE = 60_000;
  const collectedOf = (
    rows: GarbageInput['rows'],
    now: number,
    before: GarbageInput['sightings'] = new Map(),
  ) => {
    const { collect, sightings } = planGarbage(
      {
        rows,
        installation: 'test',
        isRecorded: () => false,
        hasPool: () => false,
        isPool: () => false,
        isClaim: () => false,
        sightings: before,
        spacingMilliseconds: 5 * MINUTE,
        minimumAgeMilliseconds: 10 * MINUTE,
        maximumPerPass: 10,
      },
      now,
    );
    return { names: collect.map(({ name }) => name), sightings };
  };

  test('is not deleted on one look at Resource Graph, which may be old', () => {
    const first = collectedOf([row('stray')], NOW);
    assert.deepEqual(first.names, []);
    const soon = collectedOf([row('stray')], NOW + 4 * MINUTE, first.sightings);
    assert.deepEqual(soon.names, []);
    const later = collectedOf([row('stray')], NOW + 5 * MINUTE, soon.sightings);
    assert.deepEqual(later.names, ['stray']);
  });

  test('is left alone when it is of another installation or holds what somebody kept', () => {
    const rows = [
      row('theirs', { 'poolkeeper:installation': 'another' }),
      row('kept', { 'poolkeeper:status': 'retained' }),
      row('stray'),
    ];
    const first = collectedOf(rows, NOW);
    assert.deepEqual(collectedOf(rows, NOW + 5 * MINUTE, first.sightings).names, ['stray']);
  });
});
