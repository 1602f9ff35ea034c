// Proves that the tests would notice the defects they are there for: puts each defect into a copy of
// the code and watches its tests fail. A defect that survives is a hole in the tests.
//
//   npm run test:mutations [-- name…]
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../src/runtime/clock.ts';
import type { Mutation } from './mutation.ts';
import { type TestRun, Workshop } from './workshop.ts';

interface Named extends Mutation {
  readonly name: string;
}

/** Each has a copy of the repository; the tests themselves are what takes time. */
const PARALLEL = 2;

const root = fileURLToPath(new URL('../../', import.meta.url));

async function loadMutations(wanted: readonly string[]): Promise<Named[]> {
  const files = readdirSync(new URL('.', import.meta.url)).filter((file) => /^\d\d-/.test(file));
  const all = files.sort().map(async (file): Promise<Named> => {
    const { mutation } = (await import(`./${file}`)) as { readonly mutation: Mutation };
    return { name: file.replace(/\.ts$/, ''), ...mutation };
  });
  const loaded = await Promise.all(all);
  if (wanted.length === 0) return loaded;
  return loaded.filter(({ name }) => wanted.some((part) => name.includes(part)));
}

interface Bench {
  readonly workshop: Workshop;
  /** How the tests of a file do on sound code; run once, whoever asks first. */
  readonly soundRunOf: (test: string) => Promise<TestRun>;
}

interface Finding {
  readonly killed: boolean;
  /** What the tests said of the defect, or what is wrong. */
  readonly words: string;
}

/** Do the tests pass without the defect, and notice it when it is there? */
async function examine(bench: Bench, mutation: Mutation): Promise<Finding> {
  const { workshop, soundRunOf } = bench;
  const { test, killedBy } = mutation;
  const sound = await soundRunOf(test);
  const unsound = killedBy.filter((name) => !sound.verdicts.get(name)?.passed);
  if (unsound.length > 0) {
    const words = `does not pass without the defect: ${quoted(unsound)}\n${sound.output}`;
    return { killed: false, words };
  }
  const broken = await workshop.withDefect(mutation, () => workshop.run(test, killedBy));
  // Code that does not even load proves nothing about the tests.
  const silent = killedBy.filter((name) => !broken.verdicts.has(name));
  if (silent.length > 0) {
    const words = `did not run to its end: ${quoted(silent)}\n${broken.output}`;
    return { killed: false, words };
  }
  const blind = killedBy.filter((name) => broken.verdicts.get(name)?.passed);
  if (blind.length > 0) return { killed: false, words: `SURVIVED ${quoted(blind)} of ${test}` };
  return { killed: true, words: reasonsOf(broken) };
}

/** One line for each test: what it said of the defect. */
function reasonsOf({ verdicts }: TestRun): string {
  return [...verdicts.values()]
    .flatMap(({ because = '' }) => (because === '' ? [] : [oneLine(because)]))
    .map((because) => `\n            ${because}`)
    .join('');
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim().slice(0, 110);
}

function quoted(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(', ');
}

function failure(thrown: unknown): Finding {
  return { killed: false, words: String(thrown) };
}

async function main(): Promise<void> {
  const startedAt = systemClock.monotonic();
  const mutations = await loadMutations(process.argv.slice(2));
  const pending = [...mutations];
  let failures = 0;
  const soundRuns = new Map<string, Promise<TestRun>>();
  const work = async (): Promise<void> => {
    const workshop = new Workshop(root);
    const soundRunOf = (test: string): Promise<TestRun> => {
      const known = soundRuns.get(test);
      if (known) return known;
      const names = mutations.filter((one) => one.test === test).flatMap((one) => one.killedBy);
      const run = workshop.run(test, [...new Set(names)]);
      soundRuns.set(test, run);
      return run;
    };
    try {
      for (let next = pending.shift(); next; next = pending.shift()) {
        const { killed, words } = await examine({ workshop, soundRunOf }, next).catch(failure);
        if (!killed) failures++;
        console.log(killed ? `killed    ${next.name}${words}` : `${next.name}: ${words}`);
      }
    } finally {
      workshop.close();
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
  const seconds = Math.round((systemClock.monotonic() - startedAt) / 1000);
  const killed = mutations.length - failures;
  console.log(`${killed} of ${mutations.length} defects were noticed, in ${seconds} s`);
  if (failures > 0 || mutations.length === 0) process.exitCode = 1;
}

await main();
