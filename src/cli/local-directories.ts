// The directories of the local environment: for the kubeconfig and the log, and, if wished, for what is to
// outlive the process. What can't be used is said by the setting that named it.
import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../runtime/errors.ts';
import { SettingsError } from './settings.ts';

export interface StateDirectory {
  readonly logFile: string;
  readonly kubeconfigFile: string;
  writeKubeconfig(text: string): void;
}

/** Above this the log of former runs is put aside at the start. */
const LOG_BYTES_MAX = 10 * 1024 * 1024;

export function prepareStateDirectory(directory: string): StateDirectory {
  const logFile = join(directory, 'poolkeeper.log');
  const kubeconfigFile = join(directory, 'kubeconfig');
  usable('--state-dir', () => {
    mkdirSync(directory, { recursive: true });
    // A second environment of the same directory must not empty the log of the first.
    closeSync(openSync(logFile, 'a'));
    if (statSync(logFile).size > LOG_BYTES_MAX) renameSync(logFile, `${logFile}.1`);
  });
  return {
    logFile,
    kubeconfigFile,
    writeKubeconfig: (text) =>
      usable('--state-dir', () => writeFileSync(kubeconfigFile, text, { mode: 0o600 })),
  };
}

/** Takes the directory for this process alone; returns what lets go of it. */
export function holdDataDirectory(directory: string): () => void {
  const lock = join(directory, 'process');
  usable('--data-dir', () => {
    mkdirSync(directory, { recursive: true });
    const holder = holderOf(lock);
    if (holder !== undefined)
      throw new Error(
        `process ${holder} keeps its data in ${directory}; end it, or delete ${lock} if it is none of ours`,
      );
    writeFileSync(lock, String(process.pid));
  });
  return () => rmSync(lock, { force: true });
}

/** The living process that wrote it, other than this one. */
function holderOf(lock: string): number | undefined {
  let pid: number;
  try {
    pid = Number(readFileSync(lock, 'utf8'));
  } catch {
    return undefined;
  }
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return undefined;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // Not allowed to: it lives, and is somebody else's.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return undefined;
  }
  return pid;
}

function usable(setting: string, use: () => void): void {
  try {
    use();
  } catch (error) {
    throw new SettingsError(`${setting}: ${messageOf(error)}`);
  }
}

/** For a shell: as it is where that is plain, otherwise in quotes. */
export function quoted(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
