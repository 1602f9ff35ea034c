// A script in the builder machine, from asking to its exit code. One whose end was lost is asked for
// again: the scripts bear that.

import { timestamp } from '../api/conditions.ts';
import type { SnapshotBuildStep } from '../api/golden-snapshot.ts';
import { POLL_ATTACH } from './backoff.ts';
import {
  atStep,
  type CommandEnd,
  commandBegun,
  commandEnded,
  failed,
  goldenStatusOf,
} from './golden-snapshot-status.ts';
import { type BuildInput, type GoldenPlan, proceed, waiting } from './golden-snapshot-step.ts';

interface Command {
  /** What it is called in the status. */
  readonly command: string;
  readonly script: string;
  readonly next: SnapshotBuildStep;
  /** A failure means: not yet. */
  readonly isRepeated?: boolean;
}

/** Azure reports no exit code when the script never came to its end. */
interface ScriptOutput {
  readonly exitCode?: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Between two tries of a readiness check; a Run Command itself takes some seconds. */
const REPEAT_MILLISECONDS = 10_000;
const TAIL_CHARACTERS = 1024;

export function planCommand(input: BuildInput, wanted: Command, now: number): GoldenPlan {
  const { pool, build, operation, pollPace } = input;
  const status = goldenStatusOf(pool);
  const { command, script } = wanted;
  if (build.operation === undefined) {
    const due = build.nextAttemptTime ? Date.parse(build.nextAttemptTime) - now : 0;
    if (due > 0) {
      const because = 'waits before it asks again';
      return { step: undefined, because, status, waitMilliseconds: due };
    }
    return {
      step: { type: 'runCommand', machine: build.machine, script },
      because: command,
      status: commandBegun(status, command, now),
    };
  }
  if (operation === undefined || operation.state === 'InProgress')
    return waiting(input, status, POLL_ATTACH, now);

  const end = endOf(operation);
  const { operation: _, ...rest } = build;
  const ended = commandEnded({ ...status, snapshotBuild: rest }, command, end, now);
  if (end.state === 'Succeeded') return proceed(atStep(ended, pool, wanted.next, now), command);
  if (end.state === 'Unknown') return proceed(ended, 'its end was lost: it is asked for again');
  if (wanted.isRepeated) {
    const nextAttemptTime = timestamp(now + REPEAT_MILLISECONDS / pollPace);
    const repeated = { ...ended, snapshotBuild: { ...rest, nextAttemptTime } };
    return proceed(repeated, `${command}: not yet`);
  }
  const failure = { code: 'BuildFailed', message: describeEnd(end) };
  return proceed(failed(ended, pool, failure, now), failure.message);
}

function endOf(operation: NonNullable<BuildInput['operation']>): CommandEnd {
  if (operation.state === 'Failed')
    return { state: 'Failed', output: `${operation.code}: ${operation.message}` };
  if (operation.state !== 'Succeeded') return { state: 'Unknown', output: '' };
  const { exitCode, stdout = '', stderr = '' } = (operation.output ?? {}) as Partial<ScriptOutput>;
  const output = `${stdout}${stderr}`;
  return { state: exitCode === 0 ? 'Succeeded' : 'Failed', output, exitCode };
}

function describeEnd({ exitCode, output }: CommandEnd): string {
  const how = exitCode === undefined ? 'did not come to its end' : `exit code ${exitCode}`;
  const tail = output.trim().slice(-TAIL_CHARACTERS);
  return tail === '' ? how : `${how}: ${tail}`;
}
