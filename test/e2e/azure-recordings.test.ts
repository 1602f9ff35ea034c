// The simulator against what Azure really answered: every recorded exchange is played again, and each
// difference in form must be one that is known, explained and documented, or the test fails.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { type Divergence, readDivergences, readRecordings } from '../recordings/recording.ts';
import { type FoundDifference, replay } from '../recordings/replay.ts';

const divergences = readDivergences();
const met = new Set<Divergence>();

for (const recording of readRecordings()) {
  test(`${recording.name}: the simulator answers in the form that Azure did`, async () => {
    const found = await replay(recording);
    const surprising = found.filter((one) => {
      const known = divergences.filter((divergence) => covers(divergence, one));
      for (const divergence of known) met.add(divergence);
      return known.length === 0;
    });
    assert.deepEqual(surprising, []);
  });
}

test('every divergence that is listed is one that is still there', () => {
  const settled = divergences.filter((divergence) => !met.has(divergence));
  assert.deepEqual(settled, []);
});

test('every divergence is told to the reader of the manual', () => {
  const manual = readFileSync(new URL('../../docs/simulated-azure.md', import.meta.url), 'utf8');
  const untold = divergences.filter(({ reason }) => !manual.includes(reason));
  assert.deepEqual(untold, []);
});

function covers(divergence: Divergence, { recording, difference }: FoundDifference): boolean {
  if (divergence.in !== undefined && divergence.in !== recording) return false;
  const escaped = divergence.difference.replace(/[.+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll('*', '.*')}$`).test(difference);
}
