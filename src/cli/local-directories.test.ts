// The directories of `npm start`: what a newcomer may get wrong about them.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { holdDataDirectory, prepareStateDirectory, quoted } from './local-directories.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'poolkeeper-directories-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

describe('the state directory', () => {
  test('is made, and a log that is there is kept', () => {
    const state = join(directory, 'new');
    const { logFile } = prepareStateDirectory(state);
    writeFileSync(logFile, 'of a run that goes on');
    prepareStateDirectory(state);
    assert.equal(readFileSync(logFile, 'utf8'), 'of a run that goes on');
  });

  test('that is a file is refused by the name of the setting', () => {
    const file = join(directory, 'file');
    writeFileSync(file, '');
    assert.throws(() => prepareStateDirectory(file), /--state-dir: EEXIST/);
  });
});

describe('the data directory', () => {
  test('belongs to one process at a time', () => {
    const release = holdDataDirectory(directory);
    release();
    // The parent of this process lives, and is not this one.
    writeFileSync(join(directory, 'process'), String(process.ppid));
    assert.throws(() => holdDataDirectory(directory), /--data-dir: process \d+ keeps its data in/);
  });

  test('that a killed process left is taken', () => {
    const dead = execFileSync(process.execPath, ['-p', 'process.pid'], { encoding: 'utf8' });
    writeFileSync(join(directory, 'process'), dead.trim());
    holdDataDirectory(directory)();
  });
});

test('paths are shown so that a shell takes them as they are', () => {
  assert.equal(quoted('/home/me/.data/kubeconfig'), '/home/me/.data/kubeconfig');
  const odd = "/tmp/it's ünï";
  const said = execFileSync('sh', ['-c', `printf %s ${quoted(odd)}`], { encoding: 'utf8' });
  assert.equal(said, odd);
});
