// The end of every attempt, good or bad: machine, NIC, OS disk, data disk are deleted, and the snapshot
// too unless it is the one that was wanted. The record of the attempt stays until Azure shows none of them.
import { timestamp } from '../api/conditions.ts';
import { POLL_INSTANCE } from './backoff.ts';
import {
  atStep,
  type GoldenStatus,
  goldenStatusOf,
  withNetworkInterfaces,
  withProgress,
} from './golden-snapshot-status.ts';
import {
  type BuildInput,
  type CloudKind,
  type GoldenPlan,
  isOurs,
  proceed,
  waiting,
} from './golden-snapshot-step.ts';

/**
 * A creation that was accepted in a crashed controller's last moment may show only now. After this long
 * nothing more is to come that hasn't been seen.
 */
const SETTLED_MILLISECONDS = 10_000;

export function planCleanUp(input: BuildInput, now: number): GoldenPlan {
  const { pool, build, seen, operation } = input;
  const status = goldenStatusOf(pool);
  const { machine } = seen;
  if (Object.values(seen).includes('unread')) return waiting(input, status, POLL_INSTANCE, now);
  if (build.operation?.type === 'Delete' && operation?.state === 'InProgress')
    return waiting(input, status, POLL_INSTANCE, now);
  if (typeof machine === 'object' && isOurs(machine, pool)) {
    if (machine.provisioningState === 'Deleting') return waiting(input, status, POLL_INSTANCE, now);
    const known = withNetworkInterfaces(status, machine.networkInterfaceIds);
    return remove(known, 'instance', machine.id);
  }
  for (const [kind, part] of remains(input)) {
    if (part.provisioningState === 'Deleting') return waiting(input, status, POLL_INSTANCE, now);
    return remove(status, kind, part.id);
  }
  const isComing = build.operation?.type === 'Create' && operation?.state === 'InProgress';
  const age = now - Date.parse(build.stepStartedAt);
  const isSettled = build.outcome === 'Succeeded' || age >= SETTLED_MILLISECONDS / input.pollPace;
  if (isComing || !isSettled) return waiting(input, status, POLL_INSTANCE, now);
  return proceed(concluded(input, status, now), 'nothing of the attempt is left in Azure');
}

interface Remaining {
  readonly id: string;
  readonly provisioningState: string;
}

/** What outlives the machine. An OS disk that Azure made is not tagged: its name alone is ours. */
function remains({ pool, build, seen }: BuildInput): (readonly [CloudKind, Remaining])[] {
  const { networkInterface, osDisk, dataDisk, snapshot } = seen;
  const found: (readonly [CloudKind, Remaining])[] = [];
  if (typeof networkInterface === 'object' && isOurs(networkInterface, pool))
    found.push(['networkInterface', networkInterface]);
  if (typeof osDisk === 'object' && (isOurs(osDisk, pool) || !isTagged(osDisk)))
    found.push(['volume', osDisk]);
  if (typeof dataDisk === 'object' && isOurs(dataDisk, pool)) found.push(['volume', dataDisk]);
  const isKept =
    build.outcome === 'Succeeded' ||
    pool.status?.builtSnapshots.some(({ version }) => version === build.version);
  if (!isKept && typeof snapshot === 'object' && isOurs(snapshot, pool))
    found.push(['snapshot', snapshot]);
  return found;
}

function isTagged({ tags }: { readonly tags: Readonly<Record<string, string>> }): boolean {
  return tags['poolkeeper:uid'] !== undefined;
}

function remove(status: GoldenStatus, kind: CloudKind, id: string): GoldenPlan {
  return { step: { type: 'delete', kind, id }, because: 'the attempt is over', status };
}

function concluded({ pool, build }: BuildInput, status: GoldenStatus, now: number): GoldenStatus {
  if (build.outcome !== 'Failed') return withProgress({ ...status, snapshotBuild: undefined });
  const { nextAttemptTime = timestamp(now) } = build;
  const rested = atStep(status, pool, 'Waiting', now);
  return withProgress({ ...rested, snapshotBuild: { ...rested.snapshotBuild!, nextAttemptTime } });
}
