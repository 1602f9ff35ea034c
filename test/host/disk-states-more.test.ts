// The gate before every disk, on a real kernel: the states that disk-states.test.ts leaves out.
import { after, before, describe, test } from 'node:test';
import { allStates, DiskMatrix, wipeable } from './disk-matrix.ts';

const states = allStates.filter(({ isCore }) => !isCore);
/** As large as the one with xfs, which needs more room than others. */
const largeBlank = { serial: 'blank-f2', sizeMebibytes: 320 };

let matrix: DiskMatrix;
before(async () => {
  matrix = await DiskMatrix.start({ states, moreDisks: [largeBlank] });
});
after(() => matrix?.close());

describe('refused, in words', () => {
  for (const state of states) test(state.sentence, () => matrix.expectRefused(state));
});

test('the inventory tells what each disk holds, and why it is not to be had', () =>
  matrix.expectInventory());

test('the pools go again, and of all these disks not one sector was written', () =>
  matrix.expectUntouched());

describe('with its serial typed once more, exactly that disk is destroyed', () => {
  const [alike, large] = [
    wipeable(states).filter(({ sizeMebibytes }) => sizeMebibytes === undefined),
    wipeable(states).filter(({ sizeMebibytes }) => sizeMebibytes !== undefined),
  ];
  const groups = [0, 1].map((half) => alike.filter((_, index) => index % 2 === half));
  for (const group of groups)
    test(group.map(({ sentence }) => sentence).join('; '), () => matrix.expectDestroyed(group));
  for (const state of large)
    test(`${state.sentence}, beside a blank one`, () =>
      matrix.expectDestroyed([state], largeBlank.serial));
});
