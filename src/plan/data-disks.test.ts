import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { aPoolVolume, referenceTo } from '../../test/builders/members.ts';
import type { PoolVolume } from '../api/pool-volume.ts';
import { type DataDiskSeen, planDataDisks } from './data-disks.ts';

const idOf = (volume: PoolVolume): string => volume.status!.azure!.resourceId;
const seen = (diskId: string, lun = 0, toBeDetached = false): DataDiskSeen => ({
  diskId,
  lun,
  toBeDetached,
});
const known = (volume: PoolVolume, lun = 0) => ({
  ...referenceTo(volume),
  resourceId: idOf(volume),
  lun,
});

const one = aPoolVolume();
const two = aPoolVolume({ ordinal: 1 });
const foreign = '/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/disks/theirs';

type Given = Parameters<typeof planDataDisks>;
interface Want {
  readonly attach?: readonly (readonly [PoolVolume, number])[];
  readonly detach?: readonly string[];
  readonly attached?: readonly string[];
  readonly waiting?: boolean;
}

const cases: Record<string, { given: Given; want: Want }> = {
  'nothing wanted and nothing there': { given: [[], [], []], want: {} },
  'a wanted disk is attached at the lowest free LUN': {
    given: [[seen(foreign, 0), seen(`${foreign}2`, 2)], [one, two], []],
    want: {
      attach: [
        [one, 1],
        [two, 3],
      ],
    },
  },
  'a disk that is there is left alone, whatever the case of its id': {
    given: [[seen(idOf(one).toUpperCase(), 4)], [one], []],
    want: { attached: ['disks-0'] },
  },
  'a disk of ours that nobody wants is taken off': {
    given: [[seen(idOf(one))], [], [known(one)]],
    want: { detach: [idOf(one)] },
  },
  'disks are swapped in one write, never at the same LUN': {
    given: [[seen(idOf(one), 0)], [two], [known(one)]],
    want: { detach: [idOf(one)], attach: [[two, 1]] },
  },
  'a disk of somebody else stays': { given: [[seen(foreign)], [], []], want: {} },
  'a disk that is wanted again is not taken off, though it was known': {
    given: [[seen(idOf(one))], [one], [known(one)]],
    want: { attached: ['disks-0'] },
  },
  'a disk whose detach failed is taken off again': {
    given: [[seen(idOf(one), 0, true)], [], [known(one)]],
    want: { detach: [idOf(one)] },
  },
  'a disk whose detach failed and that is wanted again is taken off before it is attached': {
    given: [[seen(idOf(one), 0, true)], [one], []],
    want: { detach: [idOf(one)] },
  },
  'a disk of somebody else whose detach failed is left alone': {
    given: [[seen(foreign, 0, true)], [one], []],
    want: { attach: [[one, 1]] },
  },
  'a disk that has not been made yet is waited for': {
    given: [[], [aPoolVolume({ status: null }), two], []],
    want: { waiting: true, attach: [[two, 0]] },
  },
};

describe('data disks', () => {
  for (const [name, { given, want }] of Object.entries(cases)) {
    test(name, () => {
      const plan = planDataDisks(...given);
      const { attach = [], detach = [] } = want;
      const changed = attach.length + detach.length > 0;
      assert.deepEqual(
        plan.change,
        changed
          ? { attach: attach.map(([volume, lun]) => ({ diskId: idOf(volume), lun })), detach }
          : undefined,
      );
      assert.deepEqual(
        plan.attached.map((one) => one.name),
        want.attached ?? [],
      );
      assert.equal(plan.waiting, want.waiting ?? false);
    });
  }

  test('no LUN is used twice, no foreign disk is touched, and one write is enough', () => {
    const volumes = Array.from({ length: 8 }, (_, ordinal) => aPoolVolume({ ordinal }));
    const disks = [...volumes.map(idOf), foreign];
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.constantFrom(...disks), { maxLength: 9 }),
        fc.subarray(volumes),
        fc.subarray(volumes),
        (there, wanted, ours) => {
          const before = there.map((id, lun) => seen(id, lun * 2));
          const change = planDataDisks(
            before,
            wanted,
            ours.map((one) => known(one)),
          ).change;
          const staying = before.filter(({ diskId }) => !change?.detach.includes(diskId));
          const after = [...staying, ...(change?.attach ?? []).map((a) => seen(a.diskId, a.lun))];
          assert.equal(new Set(after.map(({ lun }) => lun)).size, after.length);
          assert.equal(
            after.some(({ diskId }) => diskId === foreign),
            there.includes(foreign),
          );
          const again = planDataDisks(
            after,
            wanted,
            ours.map((one) => known(one)),
          );
          assert.equal(again.change, undefined);
          assert.equal(again.attached.length, wanted.length);
        },
      ),
    );
  });
});
