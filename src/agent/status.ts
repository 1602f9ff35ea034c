// The status of a NodeMount from what was seen and done. Times move only when what they tell of
// does, so that a quiet node writes nothing.
import type { NodeMount, NodeMountPhase, NodeMountStatus } from '../api/node-mount.ts';
import type { Condition, DeepReadonly } from '../api/object.ts';
import type { NodeMountSituation } from '../plan/node-mount.ts';
import type { Capacity } from '../plan/node-mount-facts.ts';
import type { NodeMountPlan, Step } from '../plan/node-mount-step.ts';
import { formatTime } from '../runtime/clock.ts';
import { messageOf, PoolkeeperError } from '../runtime/errors.ts';
import { describeTroubled, drivesOf } from './drives.ts';
import { type ArrayHealth, arrayStatusOf, isSynced, judgeArray } from './health.ts';
import type { JournalEntry } from './journal.ts';
import { phaseOf, stepProgress, syncProgress } from './progress.ts';
import { conditionsOf, heldBackChange } from './status-conditions.ts';

export interface Observation {
  readonly mount: DeepReadonly<NodeMount>;
  readonly plan: NodeMountPlan;
  readonly situation: NodeMountSituation;
  readonly entry: JournalEntry | undefined;
  /** Set while a step fails. */
  readonly error?: unknown;
  readonly attempts: number;
  readonly capacity?: Capacity | undefined;
  readonly nowMilliseconds: number;
}

/** The schema's limit; the schema itself isn't loaded into agents, which saves memory. */
const HISTORY_MAX = 10;
/** After so many failures of a step the phase says so; until then it may heal by itself. */
const FAILED_AFTER_ATTEMPTS = 3;
/** A change of usage smaller than this part of the size isn't published. */
const USAGE_CHANGE_MIN = 0.01;

export function buildStatus(observation: Observation): NodeMountStatus {
  const { mount, situation, entry, error, attempts, plan, nowMilliseconds } = observation;
  const before = mount.status;
  const now = formatTime(nowMilliseconds);
  const phase = phaseFor(observation);
  const { facts } = situation;
  const mounted = facts.mountPoint.mounts.find(({ isOurs }) => isOurs);
  const isActive = entry?.active === true && mounted !== undefined;
  const progress = progressFor(plan, situation);
  const status: NodeMountStatus = {
    phase,
    ...(mount.metadata.generation !== undefined && {
      observedGeneration: mount.metadata.generation,
    }),
    conditions: conditionsOf(observation, now) as Condition[],
    mountPath: facts.mountPoint.path,
    ...(mounted && { filesystem: filesystemOf(situation, mounted) }),
    ...(mounted && usage(before, observation.capacity, hasOwnSize(situation))),
    ...arrayParts(observation),
    ...(progress && { progress }),
    ...firstMounted(before, isActive, now),
    wipes: (entry?.wipes ?? []).map((wipe) => ({ ...wipe, node: situationNode(mount) })),
    leftBehind: plan.type === 'cleanedUp' && plan.kept ? [plan.kept] : [],
    attempts,
    ...(error !== undefined && { lastError: errorOf(error, before?.lastError, now) }),
    history: historyFor(before, { phase, now, because: becauseOf(plan, error) }),
    commands: [...(entry?.records ?? [])],
  };
  return status;
}

function situationNode(mount: DeepReadonly<NodeMount>): string {
  return mount.spec.nodeName;
}

function phaseFor(observation: Observation): NodeMountPhase {
  const { mount, plan, attempts } = observation;
  if (plan.type === 'cleanedUp') return 'Released';
  if (mount.metadata.deletionTimestamp !== undefined) return 'Unmounting';
  if (plan.type === 'unanswered') return 'Unknown';
  if (heldBackChange(observation)) return 'Mounted';
  if (plan.type === 'refuse') return waitingReasons.has(plan.reason) ? 'Pending' : 'Failed';
  const isUpkeep = plan.type === 'step' && plan.step.isUpkeep === true;
  if (attempts >= FAILED_AFTER_ATTEMPTS && !isUpkeep) return 'Failed';
  if (plan.type === 'step' && !isUpkeep) return phaseOf(plan.step);
  return healthOf(observation)?.phase ?? 'Mounted';
}

/** Undefined where there is no array. */
export function healthOf(observation: Observation): ArrayHealth | undefined {
  const { situation, mount } = observation;
  if (situation.type !== 'mdadm' || !situation.facts.array) return undefined;
  return judgeArray(situation.facts.array, {
    hasSyncedOnce: hasSyncedOnce(observation),
    isAdopted: situation.intent.adoptArrayUuid !== undefined,
    troubled: describeTroubled(situation.intent, situation.facts, labelsOf(mount)),
  });
}

function labelsOf({ spec }: DeepReadonly<NodeMount>): (string | undefined)[] {
  return spec.type === 'mdadm' ? spec.mdadm.devices.map(({ label }) => label) : [];
}

/** Refusals that end by themselves once something else happens. */
const waitingReasons = new Set(['PrerequisitesMissing', 'DeviceClaimed', 'DeviceNotFound']);

function hasSyncedOnce({ mount, entry }: Observation): boolean {
  const recorded = entry?.initialSyncCompletedAt ?? mount.status?.array?.initialSyncCompletedAt;
  return recorded !== undefined;
}

function progressFor(
  plan: NodeMountPlan,
  situation: NodeMountSituation,
): NodeMountStatus['progress'] {
  const isUpkeep = plan.type === 'step' && plan.step.isUpkeep === true;
  if (plan.type === 'step' && !isUpkeep) return stepProgress(plan.step);
  if ((plan.type !== 'settled' && !isUpkeep) || !('array' in situation.facts)) return undefined;
  return syncProgress(situation.facts.array);
}

function filesystemOf(
  situation: NodeMountSituation,
  mounted: { readonly source: string; readonly filesystem: string },
): NonNullable<NodeMountStatus['filesystem']> {
  const found = 'filesystem' in situation.facts ? situation.facts.filesystem : undefined;
  const uuid = found?.type === 'found' ? found.uuid : undefined;
  return { type: mounted.filesystem, source: mounted.source, ...(uuid !== undefined && { uuid }) };
}

/** The size of a filesystem of ours changes when it is grown; a server's, with whatever is written there. */
function hasOwnSize({ type }: NodeMountSituation): boolean {
  return type === 'mdadm' || type === 'iscsi';
}

function usage(
  before: DeepReadonly<NodeMountStatus> | undefined,
  capacity: Capacity | undefined,
  isSizeExact: boolean,
): Partial<NodeMountStatus> {
  const published = before?.sizeBytes !== undefined && {
    sizeBytes: before.sizeBytes,
    ...(before.usedBytes !== undefined && { usedBytes: before.usedBytes }),
    ...(before.availableBytes !== undefined && { availableBytes: before.availableBytes }),
    ...(before.usePercent !== undefined && { usePercent: before.usePercent }),
    ...(before.fileCount !== undefined && { fileCount: before.fileCount }),
  };
  if (!capacity) return published || {};
  const change = Math.abs(capacity.usedBytes - (before?.usedBytes ?? 0));
  const growth = Math.abs(capacity.sizeBytes - (before?.sizeBytes ?? 0));
  const isSame =
    before?.usedBytes !== undefined &&
    growth <= (isSizeExact ? 0 : capacity.sizeBytes * USAGE_CHANGE_MIN);
  if (published && isSame && change < capacity.sizeBytes * USAGE_CHANGE_MIN) return published;
  return capacity;
}

function arrayParts(observation: Observation): Pick<NodeMountStatus, 'drives' | 'array'> {
  const { situation, mount, entry } = observation;
  if (situation.type !== 'mdadm' || mount.spec.type !== 'mdadm') return { drives: [] };
  const { facts, intent } = situation;
  const drives = drivesOf(intent, facts, labelsOf(mount));
  if (!facts.array) return { drives };
  const array = arrayStatusOf(facts.array, {
    name: intent.arrayName,
    initialSyncCompletedAt:
      entry?.initialSyncCompletedAt ?? mount.status?.array?.initialSyncCompletedAt,
    scrub: entry?.scrub,
  });
  return { array, drives };
}

/** Whether the first sync has just been seen to be over. */
export function completesInitialSync(observation: Observation): boolean {
  const { situation, plan } = observation;
  const array = 'array' in situation.facts ? situation.facts.array : undefined;
  const isUpkeep = plan.type === 'step' && plan.step.isUpkeep === true;
  if ((plan.type !== 'settled' && !isUpkeep) || !array) return false;
  return isSynced(array) && !hasSyncedOnce(observation);
}

function firstMounted(
  before: DeepReadonly<NodeMountStatus> | undefined,
  isActive: boolean,
  now: string,
): Partial<NodeMountStatus> {
  const at = before?.firstMountedAt ?? (isActive ? now : undefined);
  return at === undefined ? {} : { firstMountedAt: at };
}

function errorOf(
  error: unknown,
  before: DeepReadonly<NodeMountStatus>['lastError'],
  now: string,
): NonNullable<NodeMountStatus['lastError']> {
  const code = error instanceof PoolkeeperError ? error.code : 'InternalError';
  const message = messageOf(error).slice(0, 4096);
  const isSame = before?.code === code && before.message === message;
  return { code, message, time: isSame ? before.time : now };
}

function becauseOf(plan: NodeMountPlan, error: unknown): string {
  if (error !== undefined) return messageOf(error).slice(0, 512);
  if (plan.type === 'step') return (plan.step as Step).because.slice(0, 512);
  if ('message' in plan) return plan.message.slice(0, 512);
  return plan.type === 'cleanedUp' ? 'Everything was undone.' : 'Everything is as the spec asks.';
}

function historyFor(
  before: DeepReadonly<NodeMountStatus> | undefined,
  { phase, now, because }: { phase: NodeMountPhase; now: string; because: string },
): NodeMountStatus['history'] {
  const earlier = [...(before?.history ?? [])];
  if (before?.phase === phase) return earlier;
  return [{ time: now, from: before?.phase ?? '', to: phase, because }, ...earlier].slice(
    0,
    HISTORY_MAX,
  );
}
