// Takes disks from a VolumePool, has them attached and detached, and gives them back. Bindings are
// compare-and-swaps: a race can be lost, a disk never shared.
import { timestamp } from '../../api/conditions.ts';
import type { LeaseAttachment } from '../../api/leased-volume.ts';
import { labels } from '../../api/names.ts';
import type { PoolVolume } from '../../api/pool-volume.ts';
import { poolVolumes } from '../../api/resources.ts';
import type { StoragePool } from '../../api/storage-pool.ts';
import { CloudError } from '../../azure/errors.ts';
import type { CallContext, ObservedInstance } from '../../azure/port.ts';
import { isLostRace, locked } from '../../kube/index.ts';
import { afterAcceptance, afterFailure } from '../../plan/volume-lease-attempts.ts';
import type { LeaseStep } from '../../plan/volume-lease-step.ts';
import type { Log } from '../../runtime/log.ts';
import { isHopeless } from '../cloud-effect.ts';
import type { ControllerContext } from '../context.ts';

export interface LeasePass {
  readonly log: Log;
  readonly pool: StoragePool;
  readonly live: ObservedInstance | undefined;
  readonly call: CallContext;
}

export interface LeaseOutcome {
  /** Somebody was faster: the cache will show who, and the next pass decides anew. */
  readonly lostRaces: number;
  /** What the status is to remember; absent where nothing was asked of Azure. */
  readonly attachment?: LeaseAttachment;
}

export function isLeaseStep(step: { readonly type: string }): step is LeaseStep {
  return LEASE_STEPS.has(step.type);
}

const LEASE_STEPS: ReadonlySet<string> = new Set<LeaseStep['type']>([
  'leaseVolume',
  'moveVolume',
  'changeNodeDisks',
  'releaseVolume',
]);

export async function applyLease(
  context: ControllerContext,
  pass: LeasePass,
  step: LeaseStep,
  before: LeaseOutcome,
): Promise<LeaseOutcome> {
  if (step.type === 'changeNodeDisks')
    return { ...before, attachment: await changeDisks(context, pass, step) };
  const isDone = await bind(context, pass, step);
  return isDone ? before : { ...before, lostRaces: before.lostRaces + 1 };
}

async function bind(
  { client, events }: ControllerContext,
  { log, pool }: LeasePass,
  step: Exclude<LeaseStep, { type: 'changeNodeDisks' }>,
): Promise<boolean> {
  const { volume, because } = step;
  const { namespace, name } = volume.metadata;
  try {
    await client.mergePatch(poolVolumes, { namespace, name }, locked(volume, changeOf(pool, step)));
  } catch (error) {
    if (isLostRace(error)) return false;
    throw error;
  }
  log.info('a disk of a volume pool', { step: step.type, volume: name, because });
  const told = { leaseVolume: 'VolumeClaimed', releaseVolume: 'VolumeReleased' } as const;
  if (step.type !== 'moveVolume')
    events.event(pool, 'Normal', told[step.type], 'Lease', `${name}: ${because}`);
  return true;
}

function changeOf(
  pool: StoragePool,
  step: Exclude<LeaseStep, { type: 'changeNodeDisks' }>,
): Record<string, unknown> {
  const { namespace, name, uid } = pool.metadata;
  switch (step.type) {
    case 'leaseVolume':
      return {
        metadata: { labels: labelOf(name) },
        spec: { claimRef: { namespace, name, uid }, node: step.node },
      };
    case 'moveVolume':
      return { spec: { node: step.node } };
    case 'releaseVolume':
      return { metadata: { labels: { [labels.claim]: null } }, spec: looseSpec(step) };
  }
}

function looseSpec({ volume, releasedAs }: LeaseStep & { type: 'releaseVolume' }): object {
  return {
    claimRef: null,
    node: null,
    lastClaimRef: (volume as PoolVolume).spec.claimRef,
    releasedAs: releasedAs ?? null,
  };
}

const LABEL_MAX_LENGTH = 63;

function labelOf(name: string): Record<string, string> {
  return name.length <= LABEL_MAX_LENGTH ? { [labels.claim]: name } : {};
}

async function changeDisks(
  { cloud, events, runtime }: ControllerContext,
  { log, pool, live, call }: LeasePass,
  { operation: type, attach, detach, because }: LeaseStep & { type: 'changeNodeDisks' },
): Promise<LeaseAttachment> {
  const before = pool.status?.attachment;
  log.info('changing the disks of a node', { machine: live?.id, type, because });
  try {
    const operation = await cloud.changeDataDisks(live!, { attach, detach }, call);
    events.event(pool, 'Normal', type === 'Attach' ? 'Attaching' : 'Detaching', type, because);
    const { url, startedAt } = operation ?? { url: '', startedAt: '' };
    return afterAcceptance(before, operation && { type, url, startedAt });
  } catch (error) {
    if (!(error instanceof CloudError)) throw error;
    // Somebody else wrote to the VM, or Azure asks for time: no failure of ours, and tried again soon.
    if (error.class === 'PreconditionFailed' || error.class === 'Throttled') throw error;
    const { code, message } = error;
    const now = runtime.clock.now();
    log.warn('Azure refused to change the disks of a node', { code, time: timestamp(now) });
    events.event(pool, 'Warning', 'AttachFailed', type, `${code}: ${message}`);
    return afterFailure(before, { code, message, isHopeless: isHopeless(error) }, now);
  }
}
