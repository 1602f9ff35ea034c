// Steps on the members of an array that is in use. Each makes sure that it is this array and this
// disk, and leaves to mdadm and the kernel what they refuse.
import { describeDevice, identityKey, judgeDevice } from '../../plan/disks.ts';
import { isSameUuid } from '../../plan/node-mount-identity.ts';
import type { Step } from '../../plan/node-mount-step.ts';
import { PoolkeeperError } from '../../runtime/errors.ts';
import { confirmArray, entryOf, reexamine, type StepContext } from './context.ts';

type StepOf<Type extends Step['type']> = Extract<Step, { readonly type: Type }>;

export function recordMembers(
  { journal, owner }: StepContext,
  { outdated, failed, replacing }: StepOf<'recordMembers'>,
): Promise<void> {
  return journal.update(owner, { outdated, failed, replacing });
}

/** The blank gate once more, at the last moment. */
export async function addMember(context: StepContext, step: StepOf<'addMember'>): Promise<void> {
  await context.confirmIntent();
  const { path, arrayUuid } = step.array;
  await confirmArray(context, path, arrayUuid);
  const [device] = await reexamine(context, [step.target]);
  const verdict = judgeDevice(device!);
  if (verdict.type !== 'use') {
    const why =
      verdict.type === 'refuse' ? verdict.message : `${describeDevice(device!)} is not blank.`;
    throw new PoolkeeperError('DeviceChanged', why);
  }
  await context.runner.run({ argv: ['mdadm', path, '--add-spare', step.target.path] });
}

/** mdadm refuses where the member's past doesn't fit; then the disk starts over as a new one. */
export async function reAddMember(
  context: StepContext,
  step: StepOf<'reAddMember'>,
): Promise<void> {
  await context.confirmIntent();
  const { path, arrayUuid } = step.array;
  await confirmArray(context, path, arrayUuid);
  const [device] = await reexamine(context, [step.target]);
  const superblock = device?.contents?.superblock;
  if (superblock?.type !== 'member' || !isSameUuid(superblock.arrayUuid, arrayUuid))
    throw new PoolkeeperError('DeviceChanged', `${describeDevice(device!)} is no member any more.`);
  const argv = ['mdadm', path, '--re-add', step.target.path];
  const { exitCode } = await context.runner.run({ argv, accepts: [1] });
  if (exitCode === 0) return;
  const key = identityKey(step.target.identity);
  const erasing = entryOf(context).erasing ?? [];
  await context.runner.run({
    argv: ['mdadm', '--zero-superblock', step.target.path],
    before: { erasing: [...new Set([...erasing, key])] },
  });
  await context.runner.run({ argv: ['wipefs', '-a', step.target.path] });
  await context.runner.run({
    argv: ['mdadm', path, '--add-spare', step.target.path],
    after: { erasing },
  });
}

export async function replaceMember(
  context: StepContext,
  step: StepOf<'replaceMember'>,
): Promise<void> {
  await context.confirmIntent();
  const { path, arrayUuid } = step.array;
  await confirmArray(context, path, arrayUuid);
  await reexamine(context, [step.old, step.replacement]);
  const replacing = new Set(entryOf(context).replacing);
  replacing.add(identityKey(step.old.identity));
  await context.runner.run({
    argv: ['mdadm', path, '--replace', step.old.path, '--with', step.replacement.path],
    before: { replacing: [...replacing] },
  });
}

export async function failMember(context: StepContext, step: StepOf<'failMember'>): Promise<void> {
  await context.confirmIntent();
  const { path, arrayUuid } = step.array;
  await confirmArray(context, path, arrayUuid);
  await reexamine(context, [step.target]);
  await context.runner.run({ argv: ['mdadm', path, '--fail', step.target.path] });
}

export async function removeMember(
  context: StepContext,
  step: StepOf<'removeMember'>,
): Promise<void> {
  const { path, arrayUuid } = step.array;
  await confirmArray(context, path, arrayUuid);
  await context.runner.run({ argv: ['mdadm', path, '--remove', step.memberPath] });
}

export async function removeDetached(
  context: StepContext,
  step: StepOf<'removeDetached'>,
): Promise<void> {
  const { path, arrayUuid } = step.array;
  await confirmArray(context, path, arrayUuid);
  await context.runner.run({ argv: ['mdadm', path, '--remove', 'detached'] });
}

/**
 * Without its superblock no boot takes it for a member again. A disk that is being replaced may well
 * be broken: what can't be erased is said, and it is given back all the same.
 */
export async function letGoDevice(
  context: StepContext,
  step: StepOf<'letGoDevice'>,
): Promise<void> {
  await context.confirmIntent();
  const { target, arrayUuid } = step;
  const key = identityKey(target.identity);
  const [device] = await reexamine(context, [target]);
  const superblock = device?.contents?.superblock;
  const isOurs = superblock?.type === 'member' && isSameUuid(superblock.arrayUuid, arrayUuid);
  const erasing = entryOf(context).erasing ?? [];
  const any = Array.from({ length: 255 }, (_, code) => code + 1);
  if (isOurs)
    await context.runner.run({
      argv: ['mdadm', '--zero-superblock', target.path],
      before: { erasing: [...new Set([...erasing, key])] },
      accepts: any,
    });
  if (isOurs || erasing.includes(key))
    await context.runner.run({ argv: ['wipefs', '-a', target.path], accepts: any });
  const [left] = await reexamine(context, [target]);
  await forget(context, key, { isErased: left?.contents?.superblock.type === 'none' });
}

export async function forgetDevice(
  context: StepContext,
  step: StepOf<'forgetDevice'>,
): Promise<void> {
  await forget(context, identityKey(step.identity), { isErased: false });
}

/**
 * Its confirmation to be wiped is forgotten too: a new one is then a new one. Never that it holds an
 * old copy, as long as it may do so: no boot must start the array from that.
 */
async function forget(
  context: StepContext,
  key: string,
  { isErased }: { isErased: boolean },
): Promise<void> {
  const { journal, claims, owner } = context;
  const entry = entryOf(context);
  const without = (keys: readonly string[] | undefined): string[] =>
    (keys ?? []).filter((one) => one !== key);
  const kept = (entry.claims ?? []).filter((one) => identityKey(one) !== key);
  await journal.update(owner, {
    claims: kept,
    erasing: without(entry.erasing),
    wiped: without(entry.wiped),
    wiping: without(entry.wiping),
    outdated: isErased ? without(entry.outdated) : [...without(entry.outdated), key],
    failed: without(entry.failed),
    replacing: without(entry.replacing),
  });
  claims.releaseDevice(owner.uid, key);
  await context.publishClaims();
}
