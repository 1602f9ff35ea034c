// Does the simulation see what it is there for? Known defects are put into a copy of our own code, one
// at a time, and seeds are run until one of them shows a violation.
//
//   node test/sim/kills.ts 03 17 22      these of test/mutations, by number; all when none is named
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import type { Mutation } from '../mutations/mutation.ts';

const root = resolve(import.meta.dirname, '../..');
const catalogue = join(root, 'test/mutations');
const SEEDS = Number(process.env['SIM_SEEDS'] ?? 60);

const wanted = process.argv.slice(2);
const names = readdirSync(catalogue)
  .filter((name) => /^\d\d-/.test(name))
  .filter((name) => wanted.length === 0 || wanted.includes(name.slice(0, 2)));

for (const name of names) {
  const { mutation } = (await import(join(catalogue, name))) as { mutation: Mutation };
  const folder = mkdtempSync(join(tmpdir(), 'poolkeeper-kills-'));
  try {
    process.stdout.write(`${basename(name, '.ts')}: ${attempt(folder, mutation)}\n`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function attempt(folder: string, { edits }: Mutation): string {
  for (const part of ['src', 'test', 'crds', 'package.json'])
    cpSync(join(root, part), join(folder, part), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  for (const { file, find, replace } of edits) {
    const path = join(folder, file);
    const text = readFileSync(path, 'utf8');
    if (!text.includes(find)) return `its text is not in ${file} any more`;
    writeFileSync(
      path,
      text.replace(find, () => replace),
    );
  }
  const command = ['test/sim/run.ts', '--seed', '1', '--to', String(SEEDS), '--first'];
  const { stdout, stderr } = spawnSync(process.execPath, command, { cwd: folder });
  const lines = stdout.toString().split('\n');
  const seen = lines.find((line) => line.startsWith('    '));
  const about = lines.find((line) => line.startsWith('seed '));
  if (seen) return `seen by ${about?.split(':')[0]}: ${seen.trim()}`;
  return `not seen by ${SEEDS} seeds${stderr.length > 0 ? `: ${stderr.toString().slice(0, 200)}` : ''}`;
}
