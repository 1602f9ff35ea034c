// The simulated host against a real kernel: both run the same story, and the answers must be alike in
// all that programs can tell. What differs still is listed with its reason, and the list may not grow
// stale.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, test } from 'node:test';
import { SimulatedDisk, SimulatedHost, SimulatedNetwork } from '../../src/local/hosts/index.ts';
import { FakeClock, settle } from '../../src/runtime/fake-clock.ts';
import { createRuntime } from '../../src/runtime/index.ts';
import { seededRandom } from '../../src/runtime/random.ts';
import { differencesOf } from '../host/recordings/compare.ts';
import { type Answer, fill, story, storyDisks, unfill } from '../host/recordings/story.ts';

const read = (name: string) =>
  JSON.parse(readFileSync(new URL(`../host/recordings/${name}`, import.meta.url), 'utf8'));
const recorded: readonly Answer[] = read('answers.json').answers;

interface Divergence {
  readonly reason: string;
  readonly differences?: string[];
  /** The output of which nothing is compared: `stdout` or `stderr`. */
  readonly ignores?: string;
}
const divergences: Readonly<Record<string, Divergence>> = read('divergences.json');

const MEBIBYTE = 1024 * 1024;
const clock = new FakeClock();
const host = new SimulatedHost({
  nodeName: 'node-1',
  runtime: createRuntime({ clock, random: seededRandom(5) }),
  network: new SimulatedNetwork(),
  speed: Number.POSITIVE_INFINITY,
  disks: storyDisks.map(
    ({ serial, sizeMebibytes }) =>
      new SimulatedDisk({
        serial,
        sizeBytes: sizeMebibytes * MEBIBYTE,
        transport: 'scsi',
        wwn: '0x6001405aaa0000000000000000000000',
        model: 'QEMU HARDDISK',
      }),
  ),
});
const answers = new Map<string, Answer>();

/** Lets simulated time pass until it is done. */
async function waited<T>(promise: Promise<T>): Promise<T> {
  let isDone = false;
  const watched = promise.finally(() => {
    isDone = true;
  });
  while (!isDone) {
    await clock.advance(100);
    await settle();
  }
  return await watched;
}

before(async () => {
  const names = new Map<string, string>();
  const listed = await waited(host.run({ argv: ['lsblk', '-J', '-b', '-p', '-o', 'PATH,SERIAL'] }));
  const devices: { path: string; serial: string }[] = JSON.parse(listed.stdout).blockdevices;
  for (const { token, serial } of storyDisks)
    names.set(token, devices.find((device) => device.serial === serial)!.path);
  for (const step of story) {
    const array = (await host.listDirectory('/sys/block'))?.find((name) => name.startsWith('md'));
    if (array) names.set('@md', array);
    answers.set(step.name, await play(step, names));
  }
});

async function play(
  step: (typeof story)[number],
  names: ReadonlyMap<string, string>,
): Promise<Answer> {
  if (step.read !== undefined) {
    const text = await host.readFile(fill(step.read, names));
    return { name: step.name, stdout: unfill(text ?? '', names) };
  }
  const argv = step.run!.map((argument) => fill(argument.replaceAll("'", ''), names));
  const { exitCode, stdout, stderr } = await waited(host.run({ argv }));
  return {
    name: step.name,
    exitCode,
    stdout: unfill(stdout, names),
    stderr: unfill(stderr, names),
  };
}

test('every step of the story is recorded', () => {
  assert.deepEqual(
    recorded.map(({ name }) => name),
    story.map(({ name }) => name),
  );
});

for (const real of recorded)
  test(`${real.name}: as a real kernel answers`, () => {
    const { differences = [], ignores } = divergences[real.name] ?? {};
    const found = differencesOf(real, answers.get(real.name)!);
    const counted = found.filter((line) => ignores === undefined || !line.startsWith(ignores));
    assert.deepEqual(counted, differences);
    assert.ok(
      ignores === undefined || counted.length < found.length,
      'it does not differ any more',
    );
  });
