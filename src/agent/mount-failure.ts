// A mount or login that failed, said so that somebody knows where to look: what it means, what to do,
// and the tool's own words after it.
import { type FailingTool, meaningOf } from '../plan/mount-failures.ts';
import { PoolkeeperError } from '../runtime/errors.ts';
import { CommandFailed } from './command-runner.ts';

const titles: Readonly<Record<FailingTool, string>> = {
  nfs: 'NFS mount',
  cephfs: 'CephFS mount',
  iscsi: 'iSCSI login',
  filesystem: 'mount',
};

/**
 * What a failed command means; any other error comes back as it is. `kernelSaid` are lines of the kernel's
 * log that came while it ran.
 */
export function explainFailure(
  error: unknown,
  tool: FailingTool,
  nodeName: string,
  kernelSaid: readonly string[] = [],
): unknown {
  if (!(error instanceof CommandFailed)) return error;
  const words = [error.output || 'no output', ...kernelSaid].join('\n');
  const meaning = meaningOf(tool, `exit code ${error.exitCode}: ${words}`);
  const title = `${titles[tool]} failed on ${nodeName}`;
  const also = kernelSaid.length > 0 ? `; the kernel: ${kernelSaid.join('; ')}` : '';
  const quoted = `${error.message}${also}`;
  const message = meaning ? `${title}: ${meaning.message} (${quoted})` : `${title}: ${quoted}`;
  if (!meaning) return new PoolkeeperError('MountFailed', message, { cause: error });
  return new PoolkeeperError(meaning.reason, message, { cause: error });
}
