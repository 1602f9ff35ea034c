// The simulation from the command line: one seed told in full, a range of seeds, or the sweep over
// every call of a story. Ends with 1 when anything was violated.
//
//   npm run sim -- --seed 17 --print            one run, told call by call
//   npm run sim -- --seed 1 --to 5000           a campaign
//   npm run sim -- --sweep --scenario prewarmed every call of a story, failing in every way
//   npm run sim -- --storage --seed 1 --to 100  a node, its agents and arrays
import { parseArgs } from 'node:util';
import { systemClock } from '../../src/runtime/clock.ts';
import { drawRun, stories } from './campaign.ts';
import { blindnessesOf, playBlind, sampledBlindnesses } from './histories.ts';
import { type Outcome, simulate } from './simulate.ts';
import { simulateStorage } from './storage.ts';
import { type Finding, probe, probesOf, sampled } from './sweep.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    to: { type: 'string' },
    scenario: { type: 'string' },
    print: { type: 'boolean', default: false },
    log: { type: 'boolean', default: false },
    sweep: { type: 'boolean', default: false },
    storage: { type: 'boolean', default: false },
    /** End at the first violation. */
    first: { type: 'boolean', default: false },
    /** Of probes that look alike, so many; all when absent. */
    each: { type: 'string' },
  },
});

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function oneStorageSeed(seed: number): Promise<boolean> {
  const { violations, picture, fingerprint } = await simulateStorage(seed);
  if (violations.length > 0 || values.print) say(`storage seed ${seed}`);
  for (const violation of violations) say(`    ${violation}`);
  if (violations.length > 0 || values.print) say(`${picture}\nfingerprint ${fingerprint}`);
  return violations.length === 0;
}

async function oneSeed(seed: number): Promise<boolean> {
  const { scenario, print, log } = values;
  if (values.storage) return oneStorageSeed(seed);
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
  for (let seed = from; seed <= to && !(values.first && bad > 0); seed++)
    if (!(await oneSeed(seed))) bad++;
  const seconds = (systemClock.monotonic() - startedAt) / 1000;
  if (to > from) say(`seeds ${from} to ${to}: ${seconds.toFixed(0)} s, ${bad} with violations`);
  return bad === 0;
}

/** Every call of the stories fails in every way; every change is seen late, or not at all. */
async function sweep(seed: number): Promise<boolean> {
  let isWell = true;
  const each = values.each === undefined ? Number.POSITIVE_INFINITY : Number(values.each);
  for (const scenario of stories) {
    if (values.scenario && scenario.name !== values.scenario) continue;
    const reference = await simulate({ scenario, seed });
    const probes = sampled(probesOf(reference), each);
    for (const one of probes) isWell = report(await probe(scenario, seed, one)) && isWell;
    const blind = sampledBlindnesses(blindnessesOf(reference), each);
    for (const one of blind) isWell = report(await playBlind(scenario, seed, one)) && isWell;
    say(`${scenario.name}: ${probes.length} faults, ${blind.length} histories`);
  }
  return isWell;
}

function report(finding: Finding | undefined): boolean {
  if (!finding) return true;
  say(`${finding.scenario}, ${finding.what}`);
  for (const violation of finding.violations) say(`    ${violation}`);
  return false;
}

const seed = Number(values.seed);
const isWell = await (values.sweep ? sweep(seed) : campaign(seed, Number(values.to ?? seed)));
process.exitCode = isWell ? 0 : 1;
