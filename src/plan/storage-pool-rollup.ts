// What the nodes report, folded into the status of their pool: sizes, drives, commands, counts.
import { boundRecords } from '../api/command-bounds.ts';
import { type CommandRecord, commandsMaximum } from '../api/command-record.ts';
import { arrayMembersMaximum } from '../api/disk.ts';
import type { NodeMountStatus } from '../api/node-mount.ts';
import { formatBytes, usePercent } from '../api/size.ts';
import type { StoragePool, StoragePoolPhase, StoragePoolStatus } from '../api/storage-pool.ts';
import { branchOf } from './storage-pool-branch.ts';
import type { MountVerdict } from './storage-pool-verdict.ts';

const FAILED_NODES_MAX = 32;
const LEFT_BEHIND_MAX = 32;

export const EMPTY_STORAGE_POOL_STATUS: StoragePoolStatus = {
  conditions: [],
  drives: [],
  volumes: [],
  wipes: [],
  leftBehind: [],
  commands: [],
};

type Capacity = Pick<
  StoragePoolStatus,
  'sizeBytes' | 'usedBytes' | 'availableBytes' | 'usePercent'
>;
type Numbers = Omit<StoragePoolStatus, 'conditions' | 'observedGeneration' | 'phase'>;

/** Everything in a pool's status but its phase and conditions. */
export function rollUp(
  pool: StoragePool,
  verdicts: readonly MountVerdict[],
  leftBehind: readonly string[],
): Numbers {
  const before = pool.status ?? EMPTY_STORAGE_POOL_STATUS;
  const reported = verdicts.flatMap(({ mount }) => mount?.status ?? []);
  const main = verdicts.find(({ type }) => type === 'ready')?.mount?.status ?? reported[0];
  const progress = progressOf(verdicts);
  const capacity = capacityOf(main, before);
  const activeSince = before.activeSince ?? earliest(reported.map((one) => one.firstMountedAt));
  return {
    ...capacity,
    ...optional('mountPath', main?.mountPath ?? before.mountPath),
    ...optional('activeSince', activeSince),
    ...optional('array', main?.array ?? before.array),
    drives: main?.drives ?? before.drives,
    volumes: before.volumes,
    ...optional('attachment', before.attachment),
    wipes: mergeWipes(before.wipes, reported),
    nodes: {
      ready: verdicts.filter(({ type }) => type === 'ready').length,
      total: verdicts.length,
      failed: verdicts
        .filter(({ type }) => type === 'stuck')
        .slice(0, FAILED_NODES_MAX)
        .map(({ node, message }) => ({ name: node, message: message.slice(0, 1024) })),
    },
    ...optional('progress', progress),
    summary: summaryOf(pool, verdicts, capacity),
    leftBehind: [...new Set([...before.leftBehind, ...leftBehind])].slice(-LEFT_BEHIND_MAX),
    commands: reported.length > 0 ? latestCommands(verdicts) : before.commands,
  };
}

/** The phase of the whole: with one node its own, with several what they have in common. */
export function phaseOf(
  verdicts: readonly MountVerdict[],
  wasActive: boolean,
): StoragePoolPhase | undefined {
  const [first, ...others] = verdicts;
  if (!first) return undefined;
  if (others.every(({ phase }) => phase === first.phase)) return first.phase;
  const usable = verdicts.some(({ type }) => type === 'ready');
  const isUnhealthy = verdicts.some(({ type }) => type === 'stuck' || type === 'unknown');
  if (usable && isUnhealthy) return 'Degraded';
  if (usable) return wasActive ? 'Active' : 'Creating';
  if (verdicts.some(({ type }) => type === 'working')) return wasActive ? 'Pending' : 'Creating';
  return verdicts.some(({ phase }) => phase === 'Failed') ? 'Failed' : 'Pending';
}

function capacityOf(main: NodeMountStatus | undefined, before: StoragePoolStatus): Capacity {
  // Numbers stay while a mount comes back; the conditions say how much they are worth.
  const from: Capacity = main?.sizeBytes === undefined ? before : main;
  const { sizeBytes, usedBytes, availableBytes } = from;
  const percent =
    from.usePercent ??
    (usedBytes === undefined || availableBytes === undefined
      ? undefined
      : usePercent(usedBytes, availableBytes));
  return {
    ...optional('sizeBytes', sizeBytes),
    ...optional('usedBytes', usedBytes),
    ...optional('availableBytes', availableBytes),
    ...optional('usePercent', percent),
  };
}

/** Of several nodes at work, the one that says most: the first with a percentage. */
function progressOf(verdicts: readonly MountVerdict[]): StoragePoolStatus['progress'] {
  const all = verdicts
    .filter(({ type }) => type !== 'unknown')
    .flatMap(({ mount }) => mount?.status?.progress ?? []);
  return all.find(({ percent }) => percent !== undefined) ?? all[0];
}

function summaryOf(
  { spec }: StoragePool,
  verdicts: readonly MountVerdict[],
  numbers: Capacity,
): NonNullable<StoragePoolStatus['summary']> {
  const ready = verdicts.filter(({ type }) => type === 'ready').length;
  const { sizeBytes, usePercent: used } = numbers;
  const progress = progressOf(verdicts);
  const count = verdicts.length > 0 ? `${ready}/${verdicts.length}` : undefined;
  const nodeWords = branchOf(spec).nodeName(spec) ?? count;
  const percent = progress?.percent === undefined ? '' : ` ${progress.percent}%`;
  return {
    ...optional('node', nodeWords),
    ...optional('size', sizeBytes === undefined ? undefined : formatBytes(sizeBytes)),
    ...optional('used', used === undefined ? undefined : `${used}%`),
    ...optional('progress', progress && `${progress.step.slice(0, 58)}${percent}`),
  };
}

/** With so many nodes the records of each are in its NodeMount; here are the latest, cut short. */
const MANY_NODES = 8;
const COMMANDS_OF_MANY_MAX = 16;
const OUTPUT_OF_MANY_MAX_LENGTH = 1024;

function latestCommands(verdicts: readonly MountVerdict[]): CommandRecord[] {
  const isMany = verdicts.length > MANY_NODES;
  const maximum = isMany ? COMMANDS_OF_MANY_MAX : commandsMaximum;
  const ran = verdicts.flatMap(({ node, mount }) => {
    const commands = mount?.status?.commands ?? [];
    return commands.length > 0 ? [{ node, commands }] : [];
  });
  // What ran last of all can only be on the nodes where something ran last.
  if (ran.length > maximum)
    ran.sort((one, other) => compare(latest(other.commands), latest(one.commands)));
  const all = ran
    .slice(0, maximum)
    .flatMap(({ node, commands }) =>
      commands.slice(-maximum).map((command) => ({ ...command, node: command.node ?? node })),
    );
  // One node's are in order already, also those that began within the same second.
  if (verdicts.length > 1) all.sort((one, other) => compare(one.startedAt, other.startedAt));
  const kept = boundRecords(all, maximum);
  return isMany ? kept.map(cutShort) : [...kept];
}

function latest(commands: readonly CommandRecord[]): string {
  return commands.at(-1)?.startedAt ?? '';
}

function cutShort(command: CommandRecord): CommandRecord {
  const { output } = command;
  if (output === undefined || output.length <= OUTPUT_OF_MANY_MAX_LENGTH) return command;
  return { ...command, output: output.slice(-OUTPUT_OF_MANY_MAX_LENGTH), truncated: true };
}

function mergeWipes(
  before: StoragePoolStatus['wipes'],
  reported: readonly NodeMountStatus[],
): StoragePoolStatus['wipes'] {
  const known = new Map(before.map((wipe) => [`${wipe.device} ${wipe.time}`, wipe]));
  for (const wipe of reported.flatMap(({ wipes }) => wipes))
    known.set(`${wipe.device} ${wipe.time}`, wipe);
  return [...known.values()].slice(-arrayMembersMaximum);
}

function earliest(times: readonly (string | undefined)[]): string | undefined {
  return times.filter((time) => time !== undefined).sort(compare)[0];
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

function optional<Key extends string, Value>(
  key: Key,
  value: Value | undefined,
): { [K in Key]?: Value } {
  return (value === undefined ? {} : { [key]: value }) as { [K in Key]?: Value };
}
