// The simulation from the command line: one seed told in full, a range of seeds, or the sweep over
// every call of a story. Ends with 1 when anything was violated.
//
//   npm run sim -- --seed 17 --print            one run, told call by call
//   npm run sim -- --seed 1 --to 5000           a campaign
//   npm run sim -- --sweep --scenario prewarmed every call of a story, failing in every way
import { parseArgs } from 'node:util';
import { systemClock } from '../../src/runtime/clock.ts';
import { drawRun, stories } from './campaign.ts';
import type { Outcome } from './simulate.ts';
import { simulate } from './simulate.ts';
import { type Finding, probe, probesOf, sampled } from './sweep.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    to: { type: 'string' },
    scenario: { type: 'string' },
    print: { type: 'boolean', default: false },
    log: { type: 'boolean', default: false },
    sweep: { type: 'boolean', default: false },
    /** Of probes that look alike, so many; all when absent. */
    each: { type: 'string' },
  },
});

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function oneSeed(seed: number): Promise<boolean> {
  const { scenario, print, log } = values;
  const { run, about } = drawRun(seed, {
    ...(scenario && { scenario }),
    ...(print && { onNote: say }),
  });
  const outcome = await simulate({
    ...run,
    ...(log && { onLogLine: (line: string) => process.stdout.write(line) }),
  });
  const { violations } = outcome;
  if (violations.length > 0 || print) say(about);
  for (const violation of violations) say(`    ${violation}`);
  if (print) tell(outcome);
  return violations.length === 0;
}

function tell({ calls, picture, fingerprint, restedAtSeconds }: Outcome): void {
  for (const { at, actor, what, fate, isBackground } of calls) {
    if (isBackground && fate === 'delivered') continue;
    say(`${(at / 1000).toFixed(3)} ${actor.name} ${what}${fate === 'delivered' ? '' : ` ${fate}`}`);
  }
  say(picture);
  say(`at rest after ${restedAtSeconds} s, fingerprint ${fingerprint}`);
}

async function campaign(from: number, to: number): Promise<boolean> {
  let bad = 0;
  const startedAt = systemClock.monotonic();
  for (let seed = from; seed <= to; seed++) if (!(await oneSeed(seed))) bad++;
  const seconds = (systemClock.monotonic() - startedAt) / 1000;
  if (to > from) say(`${to - from + 1} runs in ${seconds.toFixed(0)} s, ${bad} with violations`);
  return bad === 0;
}

async function sweep(seed: number): Promise<boolean> {
  const findings: Finding[] = [];
  for (const scenario of stories) {
    if (values.scenario && scenario.name !== values.scenario) continue;
    const all = probesOf(await simulate({ scenario, seed }));
    const probes = values.each ? sampled(all, Number(values.each)) : all;
    for (const one of probes) {
      const finding = await probe(scenario, seed, one);
      if (!finding) continue;
      findings.push(finding);
      say(`${finding.scenario}, ${finding.mode} at call ${finding.index}: ${finding.what}`);
      for (const violation of finding.violations) say(`    ${violation}`);
    }
    say(`${scenario.name}: ${probes.length} of ${all.length} probes`);
  }
  return findings.length === 0;
}

const seed = Number(values.seed);
const isWell = await (values.sweep ? sweep(seed) : campaign(seed, Number(values.to ?? seed)));
process.exitCode = isWell ? 0 : 1;
