// The exhaustive sweep: a story is played once without faults; then again and again, each time with
// one fault at one of its calls, until every call has failed in every way.
import { type Mode, OneFault, READ_MODES, WRITE_MODES } from './faults.ts';
import type { RecordedCall } from './network.ts';
import { type Outcome, type Scenario, simulate } from './simulate.ts';

export interface Probe {
  readonly index: number;
  readonly mode: Mode;
  /** The call that is hit, as it was in the run without faults. */
  readonly what: string;
}

export interface Finding {
  readonly scenario: string;
  /** What was done to the run. */
  readonly what: string;
  readonly seed: number;
  readonly violations: readonly string[];
}

/** Every way in which every call of the story can fail. */
export function probesOf(reference: Outcome): Probe[] {
  return reference.calls
    .filter(({ isBackground, what }) => !isBackground || what.includes('leases'))
    .filter(({ at }) => at < reference.calmAt)
    .filter((call) => !(call.what.includes('leases') && call.index % 40 > 0))
    .flatMap((call) =>
      (call.isWrite ? WRITE_MODES : READ_MODES).map((mode) => ({ ...asProbe(call), mode })),
    );
}

/** Of probes that differ only in whose turn it was, the first few. */
export function sampled(probes: readonly Probe[], each: number): Probe[] {
  const seen = new Map<string, number>();
  return probes.filter(({ what, mode }) => {
    const shape = `${mode} ${what.replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27,}|\d+/g, '*')}`;
    const count = seen.get(shape) ?? 0;
    seen.set(shape, count + 1);
    return count < each;
  });
}

export async function probe(
  scenario: Scenario,
  seed: number,
  { index, mode, what }: Probe,
): Promise<Finding | undefined> {
  const plan = new OneFault(index, mode);
  const { violations } = await simulate({ scenario, seed, plan });
  const unfired = plan.hasFired ? [] : ['the fault did not come about'];
  const all = [...violations, ...unfired];
  return all.length === 0
    ? undefined
    : { what: `${mode} at call ${index}: ${what}`, scenario: scenario.name, seed, violations: all };
}

function asProbe({ index, what }: RecordedCall): Omit<Probe, 'mode'> {
  return { index, what };
}
