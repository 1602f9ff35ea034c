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

/** What a failed command means; any other error comes back as it is. */
export function explainFailure(error: unknown, tool: FailingTool, nodeName: string): unknown {
  if (!(error instanceof CommandFailed)) return error;
  const said = `exit code ${error.exitCode}: ${error.output || 'no output'}`;
  const meaning = meaningOf(tool, said);
  const title = `${titles[tool]} failed on ${nodeName}`;
  const message = meaning
    ? `${title}: ${meaning.message} (${error.message})`
    : `${title}: ${error.message}`;
  if (!meaning) return new PoolkeeperError('MountFailed', message, { cause: error });
  return new PoolkeeperError(meaning.reason, message, { cause: error });
}
