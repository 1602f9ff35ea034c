// Runs before `npm start` and `npm test` so that both work right after `git clone`.
// Plain JavaScript and built-ins only: this is the one file that the machine's own Node (>= 20) runs.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const stampFile = `${root}node_modules/.poolkeeper-installed`;
const stamp = createHash('sha256')
  .update(readFileSync(`${root}package-lock.json`))
  .digest('hex');

// The bundled Node is checked as well: an install interrupted half-way leaves a folder without it.
const installed =
  existsSync(stampFile) &&
  readFileSync(stampFile, 'utf8') === stamp &&
  existsSync(`${root}node_modules/node/bin/node`);

if (!installed) {
  console.log('Installing dependencies (first run, or package-lock.json changed) ...');
  const npm = process.env.npm_execpath;
  const command = npm ? [process.execPath, npm] : ['npm'];
  const args = [...command.slice(1), 'ci', '--no-audit', '--no-fund', '--loglevel=error'];
  const result = spawnSync(command[0], args, { cwd: root, stdio: 'inherit' });
  if (result.status !== 0) {
    console.error('npm ci failed; see its output above.');
    process.exit(result.status ?? 1);
  }
  writeFileSync(stampFile, stamp);
}
