// Steps on mount points and mounts.

import type { FailingTool } from '../../plan/mount-failures.ts';
import { isSameUuid } from '../../plan/node-mount-identity.ts';
import { markerFile, type Step } from '../../plan/node-mount-step.ts';
import { PoolkeeperError } from '../../runtime/errors.ts';
import { CommandFailed, probe } from '../command-runner.ts';
import { readFilesystem } from '../filesystems.ts';
import { kernelLines, kernelSubjects, linesSince } from '../kernel-log.ts';
import { keyFilePath, writeKeyFile } from '../key-files.ts';
import { explainFailure } from '../mount-failure.ts';
import { hostMounts } from '../mounts.ts';
import type { StepContext } from './context.ts';

type StepOf<Type extends Step['type']> = Extract<Step, { readonly type: Type }>;

/** Longer than retry=0 lets mount.nfs try; a local mount is through in moments. */
const MOUNT_TIMEOUT_MILLISECONDS = 120_000;
/** What was written has to be flushed first. */
const UNMOUNT_TIMEOUT_MILLISECONDS = 600_000;
/** Where nobody answers, no way of unmounting is waited for longer than this. */
const DETACH_TIMEOUT_MILLISECONDS = 10_000;

export async function makeMountPoint(
  { runner }: StepContext,
  { path }: StepOf<'makeMountPoint'>,
): Promise<void> {
  await runner.run({
    argv: ['mkdir', '-p', path],
    before: { mountPoint: 'unknown' },
    after: { mountPoint: 'made' },
  });
}

/** Not every filesystem has the flag; without it the mount works as well, just less guarded. */
export async function protectMountPoint(
  { runner }: StepContext,
  { path }: StepOf<'protectMountPoint'>,
): Promise<void> {
  await runner.run({
    argv: ['chattr', '+i', path],
    // Only after it: a power cut may take the flag with it, and then it is set again.
    after: { mountPointProtected: true },
    accepts: [1],
  });
}

export async function unprotectMountPoint(
  { runner }: StepContext,
  { path }: StepOf<'unprotectMountPoint'>,
): Promise<void> {
  await runner.run({
    argv: ['chattr', '-i', path],
    after: { mountPointProtected: false },
  });
}

export async function removeMountPoint(
  { runner }: StepContext,
  { path }: StepOf<'removeMountPoint'>,
): Promise<void> {
  await runner.run({ argv: ['rmdir', path], after: { mountPoint: 'none' } });
}

export async function mount(context: StepContext, step: StepOf<'mount'>): Promise<void> {
  const { runner } = context;
  if (step.uuid !== undefined) {
    const found = await readFilesystem(runner.host, step.source);
    if (found.type !== 'found' || !isSameUuid(found.uuid, step.uuid))
      throw new PoolkeeperError('DeviceChanged', `${step.source} holds another filesystem now.`);
  }
  const options = await withKey(context, step);
  const recorded = {
    ...(step.mountedAs !== undefined && { mountedAs: step.mountedAs }),
    mountedSource: step.source,
    detachedLazily: false,
  };
  const tool = toolOf(step);
  const about = kernelSubjects[tool];
  const heard = about ? await kernelLines(runner.host, about) : [];
  try {
    await runner.run({
      argv: [
        'mount',
        '-t',
        step.filesystem,
        ...(options.length > 0 ? ['-o', options.join(',')] : []),
        step.source,
        step.path,
      ],
      timeoutMilliseconds: MOUNT_TIMEOUT_MILLISECONDS,
      // Written down before: a crash must not leave a mount that nobody knows for ours.
      before: { mountedSource: step.source },
      after: recorded,
    });
  } catch (error) {
    const now = about ? await kernelLines(runner.host, about) : [];
    throw explainFailure(error, tool, runner.host.nodeName, linesSince(heard, now));
  } finally {
    if (step.needsKey) await runner.host.removeFile(keyFilePath(context.owner.uid));
  }
}

function toolOf({ filesystem }: StepOf<'mount'>): FailingTool {
  return filesystem === 'nfs' ? 'nfs' : filesystem === 'ceph' ? 'cephfs' : 'filesystem';
}

async function withKey(context: StepContext, step: StepOf<'mount'>): Promise<readonly string[]> {
  if (!step.needsKey) return step.options;
  const { key } = await context.fetchCredentials(['key']);
  const path = keyFilePath(context.owner.uid);
  await writeKeyFile(context.runner.host, path, key);
  return [...step.options, `secretfile=${path}`];
}

export async function writeMarker(
  { runner, owner }: StepContext,
  { mountPath, poolUid }: StepOf<'writeMarker'>,
): Promise<void> {
  const { namespace, name, uid } = owner;
  const content = { poolUid, nodeMount: { namespace, name, uid } };
  await runner.host.writeFile(`${mountPath}/${markerFile}`, `${JSON.stringify(content)}\n`);
}

export async function removeMarker(
  { runner }: StepContext,
  { mountPath }: StepOf<'removeMarker'>,
): Promise<void> {
  await runner.run({ argv: ['rm', '-f', `${mountPath}/${markerFile}`] });
}

/** Ways to unmount, from gentle to certain. */
const gently = [[]];
const byForce = [[], ['-f'], ['-l']];
const DETACH = '-l';

/**
 * Gently first. What does not answer any more is detached at last, whoever still uses it, and that is
 * written down; what answers is not torn from its users.
 */
export async function unmount(context: StepContext, step: StepOf<'unmount'>): Promise<void> {
  const { runner } = context;
  // What can't be mounted again is better left as it is.
  if (step.needsKeys?.length) await context.fetchCredentials(step.needsKeys);
  const ways = step.byForce ? byForce : gently;
  for (const [index, flags] of ways.entries()) {
    try {
      await runner.run({
        argv: ['umount', ...flags, step.path],
        timeoutMilliseconds: step.byForce
          ? DETACH_TIMEOUT_MILLISECONDS
          : UNMOUNT_TIMEOUT_MILLISECONDS,
        mayBeLeftBehind: step.byForce,
        ...(flags.includes(DETACH) && { after: { detachedLazily: true } }),
      });
      return;
    } catch (error) {
      const isMounted = (await hostMounts(runner.host)).some(({ target }) => target === step.path);
      if (!isMounted) return;
      if (index === ways.length - 1) throw await explainBusy(context, step, error);
    }
  }
}

async function explainBusy(
  { runner: { host } }: StepContext,
  { path, forChange }: StepOf<'unmount'>,
  error: unknown,
): Promise<unknown> {
  if (!(error instanceof CommandFailed) || !/busy/i.test(error.output)) return error;
  const { stdout, stderr } = await probe(host, 'fuser', '-v', '-m', path);
  // fuser prints the numbers to one stream and their meaning to the other.
  const lines = `${stderr}${stdout}`.split('\n').filter((line) => /\d/.test(line));
  const processes = lines.filter((line) => !/\bkernel\b/.test(line));
  const users = processes
    .map((line) => line.trim().replaceAll(/\s+/g, ' '))
    .slice(0, USERS_SHOWN_MAX);
  const who =
    users.length > 0
      ? `it is used by ${users.join('; ')}`
      : 'a process uses it; `fuser -v -m` or `lsof` on the node names it';
  const message = `${path} can't be unmounted on ${host.nodeName}: ${who}. It is tried again.`;
  return new PoolkeeperError(forChange ? 'RemountPending' : 'CleanupBlocked', message, {
    cause: error,
  });
}

const USERS_SHOWN_MAX = 5;
