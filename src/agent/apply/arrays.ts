// Steps on arrays and the filesystems on them. Never --run or --force at creation, never --scan:
// mdadm's own refusals are the second safety net below the blank gate.
import { describeDevice, judgeDevice } from '../../plan/disks.ts';
import { colonUuid } from '../../plan/node-mount-identity.ts';
import type { Step } from '../../plan/node-mount-step.ts';
import { PoolkeeperError } from '../../runtime/errors.ts';
import { readFilesystem } from '../filesystems.ts';
import { confirmArray, reexamine, type StepContext } from './context.ts';

type StepOf<Type extends Step['type']> = Extract<Step, { readonly type: Type }>;

export async function createArray(
  context: StepContext,
  step: StepOf<'createArray'>,
): Promise<void> {
  await context.confirmIntent();
  for (const device of await reexamine(context, step.targets)) {
    const verdict = judgeDevice(device, { arrayUuid: step.arrayUuid });
    if (verdict.type === 'use') continue;
    const why =
      verdict.type === 'refuse' ? verdict.message : `${describeDevice(device)}: not blank`;
    throw new PoolkeeperError(verdict.type === 'refuse' ? verdict.reason : 'DeviceChanged', why);
  }
  const paths = step.targets.map(({ path }) => path);
  await context.runner.run({
    argv: [
      'mdadm',
      '--create',
      `/dev/md/${step.name}`,
      `--level=${step.level}`,
      `--raid-devices=${paths.length - step.spares}`,
      ...(step.spares > 0 ? [`--spare-devices=${step.spares}`] : []),
      '--metadata=1.2',
      // Without a word about the bitmap mdadm asks, and nobody is there to answer.
      ...(step.level === 0 ? [] : ['--bitmap=internal']),
      ...(step.chunkKiB === undefined ? [] : [`--chunk=${step.chunkKiB}K`]),
      '--homehost=any',
      `--name=${step.name}`,
      `--uuid=${colonUuid(step.arrayUuid)}`,
      ...paths,
    ],
    before: { array: 'unknown' },
    after: { array: 'made' },
  });
}

export async function assembleArray(
  context: StepContext,
  step: StepOf<'assembleArray'>,
): Promise<void> {
  await reexamine(context, step.targets);
  const paths = step.targets.map(({ path }) => path);
  await context.runner.run({
    argv: [
      'mdadm',
      '--assemble',
      `/dev/md/${step.name}`,
      '--homehost=any',
      `--uuid=${colonUuid(step.arrayUuid)}`,
      // Starts it also with a member missing, as it ran before; it doesn't force stale members in.
      '--run',
      ...paths,
    ],
  });
}

export async function stopArray(context: StepContext, step: StepOf<'stopArray'>): Promise<void> {
  await confirmArray(context, step.path, step.arrayUuid);
  await context.runner.run({ argv: ['mdadm', '--stop', step.path] });
}

export async function makeFilesystem(
  context: StepContext,
  step: StepOf<'makeFilesystem'>,
): Promise<void> {
  await context.confirmIntent();
  await confirmArray(context, step.devicePath, step.arrayUuid);
  const found = await readFilesystem(context.runner.host, step.devicePath);
  if (found.type !== 'none')
    throw new PoolkeeperError('DeviceChanged', `${step.devicePath} is not empty any more.`);
  const identity = step.filesystem === 'ext4' ? ['-U', step.uuid] : ['-m', `uuid=${step.uuid}`];
  // Cloud disks are thin: discarding all of one takes minutes and gains nothing.
  const keepBlocks = step.filesystem === 'ext4' ? ['-E', 'nodiscard'] : ['-K'];
  await context.runner.run({
    argv: [`mkfs.${step.filesystem}`, ...identity, ...keepBlocks, ...step.options, step.devicePath],
    before: { filesystem: 'unknown' },
    after: { filesystem: 'made' },
  });
}

export async function eraseFilesystem(
  context: StepContext,
  step: StepOf<'eraseFilesystem'>,
): Promise<void> {
  await context.confirmIntent();
  await confirmArray(context, step.devicePath, step.arrayUuid);
  await context.runner.run({
    argv: ['wipefs', '-a', step.devicePath],
    after: { filesystem: 'none' },
  });
}
