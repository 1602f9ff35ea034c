import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { anInstanceClaim, aPoolInstance, claimRefTo } from '../../test/builders/members.ts';
import { timeAt } from '../../test/builders/metadata.ts';
import type { HistoryEvent } from '../history/port.ts';
import { FakeClock } from '../runtime/fake-clock.ts';
import { createRuntime } from '../runtime/index.ts';
import { createLog } from '../runtime/log.ts';
import type { ControllerContext } from './context.ts';
import { startOf } from './instance-claim/latencies.ts';
import { reportTransition, type Transition } from './report-transition.ts';

function aWorld() {
  const lines: Record<string, unknown>[] = [];
  const log = createLog('info', { write: (line) => lines.push(JSON.parse(line)) });
  const runtime = createRuntime({ clock: new FakeClock(Date.parse(timeAt(100))), log });
  const told: unknown[][] = [];
  const history: HistoryEvent[] = [];
  const context = {
    runtime,
    events: { event: (...said: unknown[]) => told.push(said.slice(1)) },
    history: { record: (event: HistoryEvent) => history.push(event) },
  } as unknown as ControllerContext;
  const report = (transition: Partial<Transition>) =>
    reportTransition(context, log, {
      object: aPoolInstance(),
      pool: 'boxes',
      from: 'Creating',
      to: 'Free',
      because: 'it runs',
      since: timeAt(40),
      isBad: false,
      ...transition,
    });
  return { lines, told, history, report, metrics: () => runtime.metrics.expose() };
}

describe('a change of phase', () => {
  it('is told in the log, as an Event, in the metrics and in the history, in the same words', async () => {
    const { report, lines, told, history, metrics } = aWorld();
    report({ correlationId: 'id-1' });
    assert.partialDeepStrictEqual(lines, [
      {
        msg: 'phase changed',
        kind: 'PoolInstance',
        namespace: 'stories',
        name: 'boxes-0',
        from: 'Creating',
        to: 'Free',
        because: 'it runs',
        seconds: 60,
      },
    ]);
    assert.deepEqual(told, [['Normal', 'Free', 'Transition', 'it runs']]);
    assert.partialDeepStrictEqual(history, [
      { event: 'Transition', pool: 'boxes', what: 'Free', seconds: 60, correlationId: 'id-1' },
    ]);
    const labels = 'kind="PoolInstance",from="Creating",to="Free"';
    const scraped = await metrics();
    assert.ok(scraped.includes(`poolkeeper_transitions_total{${labels}} 1`));
    assert.ok(scraped.includes(`poolkeeper_transition_duration_seconds_sum{${labels}} 60`));
  });

  it('is a warning when it is bad', () => {
    const { report, told } = aWorld();
    report({ to: 'Failed', because: '', isBad: true });
    assert.deepEqual(told, [['Warning', 'Failed', 'Transition', 'Failed']]);
  });

  it('invents no duration where nobody knows since when', async () => {
    const { report, lines, metrics } = aWorld();
    report({ since: undefined });
    assert.ok(!('seconds' in lines[0]!));
    assert.doesNotMatch(await metrics(), /transition_duration_seconds_sum/);
  });

  const types: Record<string, { given: Partial<Transition>; want: string }> = {
    'a machine that gets a claim': { given: { to: 'Claimed' }, want: 'Allocation' },
    'a claim that gets a machine': {
      given: { object: anInstanceClaim(), to: 'Bound' },
      want: 'Allocation',
    },
    'a machine that is taken back': { given: { to: 'Releasing' }, want: 'Release' },
    'anything else': { given: { to: 'Deleting' }, want: 'Transition' },
  };
  for (const [name, { given, want }] of Object.entries(types)) {
    it(`is found in the history as ${want}: ${name}`, () => {
      const { report, history } = aWorld();
      report(given);
      assert.equal(history[0]?.event, want);
    });
  }
});

describe('the start of a claim', () => {
  const claim = anInstanceClaim();
  const owned = { claimRef: claimRefTo(claim) };
  const start = (freeSince: string | undefined): string =>
    startOf({
      claim,
      instance: aPoolInstance({ spec: owned, status: { phase: 'Claimed', freeSince } }),
      firstSeenAt: Date.parse(timeAt(50)),
    } as unknown as Parameters<typeof startOf>[0]);

  it('is warm when the machine was free before the claim came', () => {
    assert.equal(start(timeAt(49)), 'warm');
  });
  it('is cold when it had to wait for the machine', () => {
    assert.equal(start(timeAt(55)), 'cold');
  });
});
