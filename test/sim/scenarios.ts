// The reference stories. Small on purpose: every call in them is a place where something may fail.
import type { Scenario } from './simulate.ts';

const few = { minFree: 2, maxFree: 3, maxTotal: 4 };

export const claimAndRelease: Scenario = {
  name: 'claim-and-release',
  story: 'Two pools fill; a claim with a fresh disk is served, used, and released.',
  async play(people) {
    await people.volumePool('disks', few);
    await people.instancePool('boxes', few);
    await people.untilFree('disks', 2);
    await people.untilFree('boxes', 2);
    await people.claimWithDisk('one');
    await people.untilReady('one');
    people.use('one');
    await people.wait(20);
    await people.release('one');
    await people.untilGone('one');
  },
};

export const prewarmed: Scenario = {
  name: 'prewarmed',
  story: 'Free machines hold a disk already; claims take them, and their disks are kept.',
  async play(people) {
    await people.volumePool('disks', few, { reclaimPolicy: 'Retain' });
    const prewarm = { volumePoolRef: { name: 'disks' }, count: 1 };
    await people.instancePool('boxes', few, { prewarm });
    await people.untilFree('boxes', 2);
    await people.claimWithDisk('one');
    await people.claim('bare');
    await people.untilReady('one');
    people.use('one');
    const kept = people.read('one')?.status?.volume;
    await people.release('one');
    await people.untilGone('one');
    if (!kept) return;
    const { name, uid } = kept;
    await people.claim('again', { volume: { type: 'Existing', existing: { name, uid } } });
    await people.untilReady('again', 600);
  },
};

export const exhausted: Scenario = {
  name: 'exhausted',
  story: 'More claims than a pool may serve; each that is released lets another in.',
  async play(people) {
    await people.volumePool('disks', few, { reclaimPolicy: 'Recycle' });
    await people.instancePool('boxes', { minFree: 1, maxFree: 2, maxTotal: 3 });
    for (const name of ['one', 'two', 'three', 'four', 'five']) {
      await people.claimWithDisk(name);
      await people.wait(2);
    }
    await people.untilReady('one');
    people.use('one');
    await people.wait(60);
    await people.release('one');
    await people.release('two');
    await people.untilReady('four');
  },
};

export const deletedWhileCreating: Scenario = {
  name: 'deleted-while-creating',
  story: 'Pools and claims go while their machines are being made; the pools come back.',
  async play(people) {
    await people.volumePool('disks', few);
    await people.instancePool('boxes', few);
    await people.wait(8);
    await people.claimWithDisk('early');
    await people.wait(1);
    await people.release('early');
    await people.deleteInstancePool('boxes');
    await people.deleteVolumePool('disks');
    await people.wait(15);
    await people.until(() => people.world.truth.pools().length === 0);
    await people.instancePool('boxes', few);
    await people.volumePool('disks', few);
    await people.untilFree('boxes', 2);
  },
};

export const reshaped: Scenario = {
  name: 'reshaped',
  story: 'The template changes, the pool grows and shrinks, a machine is deleted by hand.',
  async play(people) {
    const scaling = { ...few, scaleDownCooldown: '1m' };
    await people.instancePool('boxes', scaling);
    await people.untilFree('boxes', 2);
    await people.claim('one');
    await people.untilReady('one');
    await people.changeInstancePool('boxes', { template: { vmSizes: ['Standard_D4s_v5'] } });
    await people.wait(30);
    await people.changeInstancePool('boxes', { scaling: { minFree: 1, maxFree: 1 } });
    await people.wait(100);
    await people.deleteInstance('boxes-0');
    await people.deleteInstance('boxes-1');
    await people.wait(60);
    await people.release('one');
    await people.untilGone('one');
  },
};

export const reused: Scenario = {
  name: 'reused',
  story: 'Machines that wait switched off go from claim to claim, with hooks before and after.',
  async play(people) {
    await people.volumePool('disks', few, { reclaimPolicy: 'Delete' });
    await people.instancePool(
      'boxes',
      { minFree: 1, maxFree: 2, maxTotal: 2 },
      {
        recyclePolicy: 'Reuse',
        warmState: 'Deallocated',
        hooks: { onClaim: { script: 'true' }, onRelease: { script: 'true' } },
      },
    );
    await people.untilFree('boxes', 1);
    await people.claimWithDisk('one');
    await people.claim('hasty');
    await people.wait(1);
    await people.release('hasty');
    await people.untilReady('one');
    people.use('one');
    await people.claim('two');
    await people.release('one');
    await people.untilReady('two', 900);
    await people.release('two');
    await people.untilGone('two', 900);
  },
};

export const scenarios: readonly Scenario[] = [
  claimAndRelease,
  prewarmed,
  exhausted,
  deletedWhileCreating,
  reshaped,
  reused,
];
