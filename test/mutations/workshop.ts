// A temporary copy of the repository in which code may be broken and tests run against it.
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Mutation } from './mutation.ts';
import type { Verdict } from './reporter.ts';

/** What tests read. Everything else is not worth copying. */
const COPIED = ['src', 'test', 'crds', 'examples', 'package.json', 'tsconfig.json'];
/** A mutant may run for ever; the tests themselves end within a few seconds. */
const TIMEOUT_MILLISECONDS = 60_000;
/** Long enough for a sound run; a defect is expected to make a test wait in vain. */
const PATIENCE_SECONDS = 15;

export interface TestRun {
  /** By the test's name. */
  readonly verdicts: ReadonlyMap<string, Verdict>;
  /** What the process said besides: why it could not even start, for example. */
  readonly output: string;
}

export class Workshop {
  readonly #root: string;
  readonly #folder: string;

  constructor(root: string) {
    this.#root = root;
    this.#folder = mkdtempSync(join(tmpdir(), 'poolkeeper-mutations-'));
    for (const name of COPIED) {
      cpSync(join(root, name), join(this.#folder, name), {
        recursive: true,
        filter: (source) => basename(source) !== 'node_modules',
      });
    }
    symlinkSync(join(root, 'node_modules'), join(this.#folder, 'node_modules'));
  }

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /**
   * Puts the defect in for as long as `work` takes.
   * @throws Error when a text to be replaced does not stand in its file exactly once.
   */
  async withDefect<T>({ edits }: Mutation, work: () => Promise<T>): Promise<T> {
    const files = new Set(edits.map(({ file }) => file));
    try {
      for (const { file, find, replace } of edits) {
        const path = join(this.#folder, file);
        const [before, after, ...more] = readFileSync(path, 'utf8').split(find);
        if (after === undefined || more.length > 0) {
          const times = after === undefined ? 'nowhere' : `${more.length + 1} times`;
          throw new Error(`the text to replace stands ${times} in ${file}:\n${find}`);
        }
        writeFileSync(path, `${before}${replace}${after}`);
      }
      return await work();
    } finally {
      for (const file of files) cpSync(join(this.#root, file), join(this.#folder, file));
    }
  }

  /** Runs the named tests of a file in a process of their own. */
  run(file: string, names: readonly string[]): Promise<TestRun> {
    const patterns = names.map((name) => `--test-name-pattern=${escaped(name)}$`);
    const reporter = join(this.#folder, 'test/mutations/reporter.ts');
    const { NODE_TEST_CONTEXT: _, ...inherited } = process.env;
    const env = { ...inherited, TEST_PATIENCE_SECONDS: String(PATIENCE_SECONDS) };
    const child = spawn(
      process.execPath,
      ['--test', `--test-reporter=${reporter}`, ...patterns, file],
      { cwd: this.#folder, env, timeout: TIMEOUT_MILLISECONDS, killSignal: 'SIGKILL' },
    );
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    }
    return new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', () => resolve({ verdicts: verdictsOf(output), output }));
    });
  }
}

function verdictsOf(output: string): Map<string, Verdict> {
  const verdicts = new Map<string, Verdict>();
  for (const line of output.split('\n')) {
    if (!line.startsWith('{"name":')) continue;
    const verdict = JSON.parse(line) as Verdict;
    verdicts.set(verdict.name, verdict);
  }
  return verdicts;
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}
