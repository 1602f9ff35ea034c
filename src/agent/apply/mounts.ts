// Steps on mount points and mounts.
import { isSameUuid } from '../../plan/node-mount-identity.ts';
import { markerFile, type Step } from '../../plan/node-mount-step.ts';
import { PoolkeeperError } from '../../runtime/errors.ts';
import { readFilesystem } from '../filesystems.ts';
import { hostMounts } from '../mounts.ts';
import type { StepContext } from './context.ts';

type StepOf<Type extends Step['type']> = Extract<Step, { readonly type: Type }>;

/** Longer than retry=0 lets mount.nfs try; a local mount is through in moments. */
const MOUNT_TIMEOUT_MILLISECONDS = 120_000;
const UNMOUNT_TIMEOUT_MILLISECONDS = 10_000;

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
    before: { mountPointProtected: true },
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
  const options = step.options.length > 0 ? ['-o', step.options.join(',')] : [];
  await runner.run({
    argv: ['mount', '-t', step.filesystem, ...options, step.source, step.path],
    timeoutMilliseconds: MOUNT_TIMEOUT_MILLISECONDS,
  });
}

export async function writeMarker(
  { runner, owner }: StepContext,
  { mountPath, poolUid }: StepOf<'writeMarker'>,
): Promise<void> {
  const { namespace, name, uid } = owner;
  const content = { poolUid, nodeMount: { namespace, name, uid } };
  await runner.host.writeFile(`${mountPath}/${markerFile}`, `${JSON.stringify(content)}\n`);
}

/** Gently first. A network mount whose server is gone is detached at last, whoever still uses it. */
export async function unmount(context: StepContext, step: StepOf<'unmount'>): Promise<void> {
  const { runner } = context;
  const ways = step.isNetwork ? [[], ['-f'], ['-l']] : [[]];
  for (const [index, flags] of ways.entries()) {
    try {
      await runner.run({
        argv: ['umount', ...flags, step.path],
        ...(step.isNetwork && { timeoutMilliseconds: UNMOUNT_TIMEOUT_MILLISECONDS }),
      });
      return;
    } catch (error) {
      const isMounted = (await hostMounts(runner.host)).some(({ target }) => target === step.path);
      if (!isMounted) return;
      if (index === ways.length - 1) throw error;
    }
  }
}
