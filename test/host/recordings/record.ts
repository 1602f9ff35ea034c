// Plays the story on a real kernel and writes down what it answered:
//   node test/host/recordings/record.ts
// Needs what `npm run test:host` needs. The file is committed; `npm test` compares the simulated
// host with it.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Machine } from '../machine/machine.ts';
import { type Answer, fill, story, storyDisks, unfill } from './story.ts';

const machine = await Machine.boot({
  disks: storyDisks.map(({ serial, sizeMebibytes }) => ({ serial, sizeMebibytes })),
});
const names = new Map<string, string>();
for (const { token, serial } of storyDisks) {
  const link = `/dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_${serial}`;
  names.set(token, (await machine.run(`readlink -f ${link}`)).trim());
}
const answers: Answer[] = [];
for (const step of story) {
  const array = (await machine.try('ls -d /sys/block/md* 2>/dev/null')).stdout.trim();
  if (array) names.set('@md', array.replace('/sys/block/', ''));
  if (step.read !== undefined) {
    const { stdout } = await machine.try(`cat ${fill(step.read, names)}`);
    answers.push({ name: step.name, stdout: unfill(stdout, names) });
    continue;
  }
  const line = step.run!.map((argument) => `'${fill(argument.replaceAll("'", ''), names)}'`);
  const result = await machine.try(`LC_ALL=C ${line.join(' ')}`);
  answers.push({
    name: step.name,
    exitCode: result.status,
    stdout: unfill(result.stdout, names),
    stderr: unfill(result.stderr, names),
  });
}
const versions = await machine.run(
  'uname -r; mdadm --version 2>&1; lsblk --version; mkfs.ext4 -V 2>&1 | head -1; mkfs.xfs -V',
);
await machine.close();
const path = fileURLToPath(new URL('answers.json', import.meta.url));
writeFileSync(
  path,
  `${JSON.stringify({ recordedOn: versions.trim().split('\n'), answers }, undefined, 2)}\n`,
);
console.log(`${answers.length} answers in ${path}`);
