// The whole life of a lease against a model of Azure, with the operator losing its memory at any step: what
// may never happen, and that it always comes to the same end.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { aPoolVolume } from '../../test/builders/members.ts';
import { metadataOf, timeAt } from '../../test/builders/metadata.ts';
import { aVolumePool, subscriptionId } from '../../test/builders/pools.ts';
import type { PoolVolume } from '../api/pool-volume.ts';
import type { StoragePool, StoragePoolStatus } from '../api/storage-pool.ts';
import type { DataDiskSeen } from './data-disks.ts';
import type { DiskSeen } from './pool-volume.ts';
import { EMPTY_STORAGE_POOL_STATUS } from './storage-pool-rollup.ts';
import { planLease } from './volume-lease.ts';
import { type LeaseSnapshot, lookForLease, type NodeMachineSeen } from './volume-lease-facts.ts';
import { isEmptyVolume } from './volume-lease-order.ts';
import { planLeaseRelease } from './volume-lease-release.ts';
import type { LeasePlan } from './volume-lease-step.ts';

const machineId = `/subscriptions/${subscriptionId}/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/node-1`;
const foreignDisk = { lun: 0, diskId: `${machineId}-somebodys`, toBeDetached: false };
const now = Date.parse(timeAt(600));

function emptyVolume(ordinal: number): PoolVolume {
  const volume = aPoolVolume({ ordinal });
  const source = { version: 'empty' };
  const azure = { ...volume.status!.azure!, uniqueId: `unique-${ordinal}` };
  return { ...volume, spec: { ...volume.spec, source }, status: { ...volume.status!, azure } };
}

/** The API server, Azure and the node, as far as a lease goes. */
class World {
  volumes = [0, 1, 2, 3].map(emptyVolume);
  dataDisks: DataDiskSeen[] = [foreignDisk];
  readonly holders = new Map<string, string>();
  powerState = 'running';
  status: StoragePoolStatus = { ...EMPTY_STORAGE_POOL_STATUS };
  hasMount = false;
  isDeleting = false;
  isGone = false;
  readonly #count: number;
  providerId: string | undefined = `azure://${machineId}`;

  constructor(count: number) {
    this.#count = count;
  }

  get pool(): StoragePool {
    const metadata = metadataOf('StoragePool', 'data');
    const volumes = { poolRef: { name: 'disks' }, count: this.#count };
    return {
      apiVersion: 'poolkeeper.dev/v1alpha1',
      kind: 'StoragePool',
      metadata: { ...metadata, ...(this.isDeleting && { deletionTimestamp: timeAt(60) }) },
      spec: {
        type: 'mdadm',
        mdadm: { nodeName: 'node-1', level: 1, source: { type: 'Volumes', volumes }, spares: 0 },
        deletionPolicy: 'Retain',
      },
      status: this.status,
    } as unknown as StoragePool;
  }

  get leased(): PoolVolume[] {
    return this.volumes.filter(({ spec }) => spec.claimRef?.uid === this.pool.metadata.uid);
  }

  snapshot(): LeaseSnapshot {
    const known = {
      pool: this.pool,
      volumePool: aVolumePool({ spec: { goldenSnapshot: { type: 'Empty' } } }),
      leased: this.leased,
      stock: this.volumes.filter(isEmptyVolume),
      node: { name: 'node-1', providerId: this.providerId },
      hasAgent: true,
      hasMount: this.hasMount,
      mount: undefined,
      reserved: [],
      pollPace: 1,
    };
    const look = lookForLease(known);
    const unread = { machine: 'unread', disks: new Map(), operation: undefined } as const;
    if (!look) return { ...known, ...unread };
    const disks = look.disks.map((volume) => [volume.metadata.uid, this.#disk(volume)] as const);
    return { ...known, machine: this.#machine(), disks: new Map(disks), operation: undefined };
  }

  #machine(): NodeMachineSeen | 'absent' {
    if (this.isGone) return 'absent';
    const { dataDisks, powerState } = this;
    const fixed = { id: machineId, name: 'node-1', provisioningState: 'Succeeded' };
    return { ...fixed, location: 'westeurope', powerState, dataDisks };
  }

  #disk(volume: PoolVolume): DiskSeen {
    const { resourceId, uniqueId = '', name } = volume.status!.azure!;
    const managedBy = this.holders.get(resourceId);
    return {
      ...{ id: resourceId, name, uniqueId, provisioningState: 'Succeeded' },
      tags: { 'poolkeeper:uid': volume.metadata.uid },
      diskState: managedBy === undefined ? 'Unattached' : 'Attached',
      ...(managedBy !== undefined && { managedBy }),
    };
  }

  /** Only so many of the steps, and the status only if nothing was cut off. */
  carryOut(plan: LeasePlan, steps: number, writesStatus: boolean): void {
    for (const step of plan.steps.slice(0, steps)) {
      if (step.type === 'changeNodeDisks') this.#change(step);
      else this.#bind(step);
    }
    if (!writesStatus) return;
    const { volumes, attachment } = plan;
    this.status = { ...this.status, volumes: [...volumes], attachment };
  }

  #change({
    attach,
    detach,
  }: {
    attach: readonly { diskId: string; lun: number }[];
    detach: readonly string[];
  }) {
    assert.ok(!detach.includes(foreignDisk.diskId), 'a disk of somebody else was detached');
    assert.ok(detach.length === 0 || !this.hasMount, 'a disk was detached under the mount');
    const luns = this.dataDisks.map(({ lun }) => lun);
    for (const { diskId, lun } of attach) {
      assert.ok(!luns.includes(lun), `LUN ${lun} is in use`);
      assert.equal(this.holders.get(diskId), undefined, 'attached twice');
      this.dataDisks = [...this.dataDisks, { lun, diskId, toBeDetached: false }];
      this.holders.set(diskId, machineId);
    }
    this.dataDisks = this.dataDisks.filter(({ diskId }) => !detach.includes(diskId));
    for (const id of detach) this.holders.delete(id);
  }

  #bind(step: Exclude<LeasePlan['steps'][number], { type: 'changeNodeDisks' }>): void {
    const { uid } = step.volume.metadata;
    const { metadata } = this.pool;
    const owner = { namespace: metadata.namespace, name: metadata.name, uid: metadata.uid };
    this.volumes = this.volumes.map((volume): PoolVolume => {
      if (volume.metadata.uid !== uid) return volume;
      if (step.type !== 'releaseVolume')
        return { ...volume, spec: { ...volume.spec, claimRef: owner, node: step.node } };
      const { resourceId } = volume.status!.azure!;
      assert.equal(this.holders.get(resourceId), undefined, 'released while attached');
      const { claimRef: _, node: __, ...spec } = volume.spec;
      const released = { lastClaimRef: owner, releasedAs: step.releasedAs };
      return { ...volume, spec: { ...spec, ...released } as PoolVolume['spec'] };
    });
  }
}

function pass(world: World, steps = 99, writesStatus = true): LeasePlan {
  const snapshot = world.snapshot();
  const plan = world.isDeleting
    ? planLeaseRelease(snapshot, world.status.activeSince !== undefined, now)
    : planLease(snapshot, now);
  world.carryOut(plan, steps, writesStatus);
  return plan;
}

describe('a lease', () => {
  test('takes all its disks, attaches them in one write, and asks for them by their units', () => {
    const world = new World(2);
    const types = [1, 2, 3, 4].map(() => pass(world).steps.map(({ type }) => type));
    assert.deepEqual(types, [['leaseVolume', 'leaseVolume'], ['changeNodeDisks'], [], []]);
    assert.deepEqual(
      pass(world).devices?.map(({ azureLun, label }) => [azureLun, label]),
      [
        [1, 'disks-0'],
        [2, 'disks-1'],
      ],
    );
  });

  test('that is settled asks nothing of Azure', () => {
    const world = new World(2);
    for (let round = 0; round < 4; round++) pass(world);
    world.volumes = world.volumes.map((volume) =>
      volume.spec.node ? { ...volume, status: { ...volume.status!, phase: 'Attached' } } : volume,
    );
    assert.equal(world.snapshot().machine, 'unread');
    assert.deepEqual(pass(world).steps, []);
    assert.equal(
      world.status.volumes.every(({ state }) => state === 'Attached'),
      true,
    );
  });

  test('takes nothing where there is too little, and says so', () => {
    const plan = pass(new World(5));
    assert.deepEqual(plan.steps, []);
    assert.equal(plan.waits?.reason, 'VolumePoolExhausted');
    assert.match(plan.waits?.message ?? '', /waits for 5 empty disks.*has 4 for it/);
  });

  test('of disks whose records vanish keeps asking for those disks, and takes no others', () => {
    const world = new World(2);
    for (let round = 0; round < 4; round++) pass(world);
    const drive = { path: '/dev/sdc', state: 'Active' } as const;
    world.status = {
      ...world.status,
      volumes: world.status.volumes.map((one) => ({ ...one, wwn: one.uid })),
      drives: world.status.volumes.map(({ uid }) => ({ ...drive, wwn: uid })),
    };
    world.hasMount = true;
    world.volumes = world.volumes.filter(({ spec }) => !spec.node);
    const plan = pass(world);
    assert.deepEqual(plan.steps, []);
    assert.equal(plan.devices?.length, 2);
    assert.equal(plan.volumes.length, 2);
  });

  test('is not taken off a machine that runs and that nobody could clean', () => {
    const world = new World(2);
    for (let round = 0; round < 4; round++) pass(world);
    Object.assign(world, { isDeleting: true });
    world.status = { ...world.status, leftBehind: ['node-1: array x, mounted at y'] };
    assert.equal(pass(world).waits?.reason, 'CleanupBlocked');
    assert.equal(world.dataDisks.length, 3);
    world.powerState = 'deallocated';
    for (let round = 0; round < 4; round++) pass(world);
    assert.equal(world.dataDisks.length, 1);
    assert.equal(world.leased.length, 0);
  });

  test('whatever is cut off at whatever step, ends attached, and then given back', () => {
    const cut = fc.record({ steps: fc.nat({ max: 2 }), writesStatus: fc.boolean() });
    fc.assert(
      fc.property(
        fc.array(cut, { maxLength: 12 }),
        fc.array(cut, { maxLength: 12 }),
        (up, down) => {
          const world = new World(2);
          for (const { steps, writesStatus } of up) pass(world, steps, writesStatus);
          for (let round = 0; round < 6; round++) pass(world);
          assert.equal(world.leased.length, 2);
          assert.equal(world.dataDisks.length, 3);
          assert.equal(pass(world).devices?.length, 2);
          world.isDeleting = true;
          world.status = { ...world.status, activeSince: timeAt(0) };
          for (const { steps, writesStatus } of down) pass(world, steps, writesStatus);
          for (let round = 0; round < 6; round++) pass(world);
          assert.deepEqual(world.dataDisks, [foreignDisk]);
          assert.equal(world.leased.length, 0);
          const given = world.volumes.filter(({ spec }) => spec.lastClaimRef !== undefined);
          assert.ok(given.every(({ spec }) => spec.releasedAs === 'Retain'));
        },
      ),
      { numRuns: 200 },
    );
  });

  test('on a VM that is gone is given back all the same', () => {
    const world = new World(2);
    for (let round = 0; round < 4; round++) pass(world);
    Object.assign(world, { isDeleting: true, isGone: true, dataDisks: [] });
    world.holders.clear();
    for (let round = 0; round < 3; round++) pass(world);
    assert.equal(world.leased.length, 0);
    const given = world.volumes.filter(({ spec }) => spec.lastClaimRef !== undefined);
    assert.ok(given.length === 2 && given.every(({ spec }) => spec.releasedAs === 'Delete'));
  });

  test('of a disk that somebody attached elsewhere is refused in words', () => {
    const world = new World(2);
    pass(world);
    const { resourceId } = world.leased[0]!.status!.azure!;
    world.holders.set(resourceId, machineId.replace('node-1', 'theirs'));
    const plan = pass(world);
    assert.deepEqual(plan.steps, []);
    assert.match(
      plan.stall?.message ?? '',
      /attached to VM theirs, which has to let go of it first/,
    );
  });
});
