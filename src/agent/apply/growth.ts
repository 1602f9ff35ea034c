// Steps that make an array larger, and the comparison of its copies.
import type { Step } from '../../plan/node-mount-step.ts';
import { confirmArray, type StepContext } from './context.ts';

type StepOf<Type extends Step['type']> = Extract<Step, { readonly type: Type }>;

/** Never with a backup file: the plan has made sure that the kernel needs none. */
export async function growArray(context: StepContext, step: StepOf<'growArray'>): Promise<void> {
  await context.confirmIntent();
  const { path, arrayUuid } = step.array;
  await confirmArray(context, path, arrayUuid);
  await context.runner.run({
    argv: ['mdadm', '--grow', path, `--raid-devices=${step.raidDisks}`],
  });
}

export async function growMembers(
  context: StepContext,
  step: StepOf<'growMembers'>,
): Promise<void> {
  await context.confirmIntent();
  const { path, arrayUuid } = step.array;
  await confirmArray(context, path, arrayUuid);
  await context.runner.run({ argv: ['mdadm', '--grow', path, '--size=max'] });
}

/** Both tools do nothing where nothing is to be done, so a crash in between costs nothing. */
export async function growFilesystem(
  context: StepContext,
  step: StepOf<'growFilesystem'>,
): Promise<void> {
  await context.confirmIntent();
  const { path, arrayUuid } = step.array;
  await confirmArray(context, path, arrayUuid);
  const argv =
    step.filesystem === 'ext4' ? ['resize2fs', path] : ['xfs_growfs', '-d', step.mountPath];
  await context.runner.run({ argv, after: { filesystemSizedTo: step.sizeBytes } });
}

/** `check` reads and compares; it never writes, unlike `repair`. */
export async function startScrub(context: StepContext, step: StepOf<'startScrub'>): Promise<void> {
  const { path, arrayUuid } = step.array;
  await confirmArray(context, path, arrayUuid);
  await context.runner.run({
    argv: ['mdadm', '--action=check', path],
    after: { scrub: step.scrub },
  });
}
