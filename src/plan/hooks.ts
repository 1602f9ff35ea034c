// Scripts that run in a machine when it is claimed and released, by Azure Run Command. A script is asked
// for once per claim; after a crash in the very moment of asking it may run twice, so it should bear that.

import type { CommandRecord } from '../api/command-record.ts';
import { outputMaximumLength } from '../api/command-record.ts';
import { timestamp } from '../api/conditions.ts';
import { parseDuration } from '../api/duration.ts';
import type { PoolInstance, PoolInstanceStatus } from '../api/pool-instance.ts';
import { nextPollDelay, POLL_ATTACH } from './backoff.ts';
import type { PoolInstancePlan, PoolInstanceSnapshot } from './pool-instance.ts';
import { rest } from './pool-instance-status.ts';
import type { OperationSeen } from './pool-volume.ts';

export type HookMoment = 'onClaim' | 'onRelease';
type HookState = 'Running' | 'Succeeded' | 'Failed';

/** What the guest's script printed; Azure reports no exit code when it never came to its end. */
interface ScriptOutput {
  readonly exitCode?: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Kept per instance: those of its present claim. */
const COMMANDS_KEPT = 8;

export function hookState(
  { spec, status }: PoolInstance,
  moment: HookMoment,
): HookState | undefined {
  const { hooks } = status ?? {};
  return hooks && hooks.claimUid === spec.claimRef?.uid ? hooks[moment] : undefined;
}

/** True while the pool has a hook for this moment that has not come to its end. */
export function isHookDue(
  instance: PoolInstance,
  pool: PoolInstanceSnapshot['pool'],
  moment: HookMoment,
): boolean {
  if (!pool?.spec.hooks[moment] || !instance.spec.claimRef) return false;
  const state = hookState(instance, moment);
  return state === undefined || state === 'Running';
}

/** The plan that brings the hook to its end, or undefined when there is nothing (more) to run. */
export function planHook(
  snapshot: PoolInstanceSnapshot,
  status: PoolInstanceStatus,
  moment: HookMoment,
  now: number,
): PoolInstancePlan | undefined {
  const { instance, pool, operation, pollPace } = snapshot;
  const hook = pool?.spec.hooks[moment];
  if (!hook || !isHookDue(instance, pool, moment)) return undefined;
  if (hookState(instance, moment) === undefined) {
    const started = recordStart(instance, status, moment, now);
    const script = `${environmentOf(instance, status)}${hook.script}`;
    return { step: { type: 'runHook', script }, because: `hook ${moment}`, status: started };
  }
  const running = status.operation ?? instance.status?.operation;
  const elapsed = running ? now - Date.parse(running.startedAt) : 0;
  // Waiting in Azure's own time: a simulated cloud is that much faster.
  const isLate = elapsed > parseDuration(hook.timeout);
  if (operation?.state === 'InProgress' && !isLate) {
    const waitMilliseconds = nextPollDelay(POLL_ATTACH, elapsed, pollPace);
    return { ...rest({ ...status, operation: running }, `hook ${moment} runs`), waitMilliseconds };
  }
  const ended = recordEnd(status, { moment, hook, operation, elapsed, now });
  return { ...rest(ended, `hook ${moment} ended`), waitMilliseconds: 0 };
}

/** The same for a hook that was asked for already; undefined for one that was not. */
export function planRunningHook(
  snapshot: PoolInstanceSnapshot,
  status: PoolInstanceStatus,
  moment: HookMoment,
  now: number,
): PoolInstancePlan | undefined {
  const isRunning = hookState(snapshot.instance, moment) === 'Running';
  return isRunning ? planHook(snapshot, status, moment, now) : undefined;
}

function recordStart(
  { spec, metadata }: PoolInstance,
  status: PoolInstanceStatus,
  moment: HookMoment,
  now: number,
): PoolInstanceStatus {
  const uid = spec.claimRef!.uid;
  const known = status.hooks?.claimUid === uid ? status.hooks : { claimUid: uid };
  const record: CommandRecord = {
    command: moment,
    state: 'Running',
    startedAt: timestamp(now),
    node: metadata.name,
  };
  const earlier = status.hooks?.claimUid === uid ? status.commands : [];
  return {
    ...status,
    hooks: { ...known, [moment]: 'Running' },
    commands: [...earlier, record].slice(-COMMANDS_KEPT),
  };
}

interface Ending {
  readonly moment: HookMoment;
  readonly hook: { readonly timeout: string };
  readonly operation: OperationSeen | undefined;
  readonly elapsed: number;
  readonly now: number;
}

function recordEnd(status: PoolInstanceStatus, ending: Ending): PoolInstanceStatus {
  const { moment, hook, operation, elapsed } = ending;
  const output =
    operation?.state === 'Succeeded' ? (operation.output as ScriptOutput | undefined) : undefined;
  const succeeded = output?.exitCode === 0;
  const text = output
    ? `${output.stdout}${output.stderr}`
    : operation?.state === 'Failed'
      ? `${operation.code}: ${operation.message}`
      : operation?.state === 'InProgress'
        ? `not done within ${hook.timeout}`
        : 'its outcome was lost';
  const tail = text.slice(-outputMaximumLength);
  const ended: Partial<CommandRecord> = {
    state: succeeded ? 'Succeeded' : 'Failed',
    output: tail,
    truncated: tail.length < text.length,
    durationSeconds: Math.round(elapsed / 100) / 10,
    ...(output?.exitCode === undefined ? {} : { exitCode: Math.min(255, output.exitCode) }),
  };
  const { operation: _, ...rested } = status;
  return {
    ...rested,
    hooks: { ...status.hooks!, [moment]: succeeded ? 'Succeeded' : 'Failed' },
    commands: status.commands.map((record) =>
      record.command === moment && record.state === 'Running' ? { ...record, ...ended } : record,
    ),
  };
}

/** Exported variables in front of the script; names and paths of ours need no escaping but get it. */
function environmentOf({ spec }: PoolInstance, status: PoolInstanceStatus): string {
  const [volume] = status.volumes;
  const variables = {
    POOLKEEPER_CLAIM_NAME: spec.claimRef!.name,
    POOLKEEPER_CLAIM_NAMESPACE: spec.claimRef!.namespace,
    POOLKEEPER_DEVICE: volume ? `/dev/disk/azure/scsi1/lun${volume.lun}` : '',
  };
  const lines = Object.entries(variables).map(
    ([name, value]) => `export ${name}='${value.replaceAll("'", `'\\''`)}'`,
  );
  return `${lines.join('\n')}\n`;
}
