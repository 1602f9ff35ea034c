// The scripts as a real shell understands them.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { finishScript, prepareScript, userScript } from './golden-snapshot-scripts.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'golden-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

/** In a folder of the test instead of the machine's own. */
function run(script: string) {
  const text = userScript(script, folder).replace('/var/lib/poolkeeper/build', `${folder}/state`);
  return spawnSync('sh', ['-c', text], { encoding: 'utf8' });
}

describe('the scripts of a builder machine', () => {
  for (const [name, script] of Object.entries({
    prepare: prepareScript("/mnt/it's here"),
    user: userScript("echo 'hello'", '/mnt/userdata'),
    finish: finishScript("/mnt/it's here"),
  })) {
    test(`${name}: is shell`, () => {
      const { status, stderr } = spawnSync('sh', ['-n'], { input: script, encoding: 'utf8' });
      assert.equal(status, 0, stderr);
    });
  }

  test('without a data disk nothing is formatted', () => {
    const text = prepareScript(`${folder}/mnt`).replace('sleep 1', 'sleep 0');
    const { status, stderr } = spawnSync('sh', ['-c', text], { encoding: 'utf8' });
    assert.notEqual(status, 0);
    assert.match(stderr, /there is no data disk at LUN 0/);
  });

  test("the user's script runs in the mounted folder, and its end is told", () => {
    const { status, stdout } = run('pwd\necho "$POOLKEEPER_MOUNT_PATH" > here\nexit 7');
    assert.equal(status, 7);
    assert.equal(stdout.trim(), folder);
    assert.equal(readFileSync(`${folder}/here`, 'utf8').trim(), folder);
  });

  test("the user's script runs once, and a second asking tells the same end", () => {
    const script = "echo ran >> count\nprintf '%s' \"quotes ' and \\$dollars\"\nexit 3";
    const [first, second] = [run(script), run(script)];
    assert.equal(first.status, 3);
    assert.equal(second.status, 3);
    assert.equal(second.stdout, first.stdout);
    assert.equal(readFileSync(`${folder}/count`, 'utf8'), 'ran\n');
  });

  test('a script in another language is run by its interpreter', () => {
    const { status, stdout } = run(`#!${process.execPath}\nconsole.log(6 * 7);\nprocess.exit(5)`);
    assert.equal(stdout, '42\n');
    assert.equal(status, 5);
  });

  test('only the end of a long output comes back', () => {
    const { stdout } = run('seq 10000');
    assert.ok(stdout.length <= 3500);
    assert.match(stdout, /10000\n$/);
  });
});
