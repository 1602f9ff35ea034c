// Carries out the one step of a golden snapshot's plan and folds what Azure answers into the status.
import { timestamp } from '../../api/conditions.ts';
import { snapshotFinalizer } from '../../api/names.ts';
import { volumePools } from '../../api/resources.ts';
import type { OperationRecord } from '../../api/status.ts';
import { CloudError } from '../../azure/errors.ts';
import type { CallContext, InstanceIntent, Operation } from '../../azure/port.ts';
import { addFinalizerPatch, removeFinalizerPatch } from '../../kube/index.ts';
import { exactImage } from '../../plan/golden-snapshot-image.ts';
import {
  failed,
  type GoldenStatus,
  goldenStatusOf,
  withProgress,
} from '../../plan/golden-snapshot-status.ts';
import type { GoldenPlan, GoldenStep } from '../../plan/golden-snapshot-step.ts';
import { assert } from '../../runtime/assert.ts';
import { PoolkeeperError } from '../../runtime/errors.ts';
import type { Random } from '../../runtime/random.ts';
import { isHopeless } from '../cloud-effect.ts';
import type { ControllerContext } from '../context.ts';
import { diskId, type Gathered, machineId } from './gather.ts';

export interface GoldenOutcome {
  readonly status: GoldenStatus;
  /** Set when Azure refused or did not answer; tried again with growing pauses. */
  readonly error?: CloudError;
}

export async function apply(
  context: ControllerContext,
  gathered: Gathered,
  plan: GoldenPlan,
  call: CallContext,
): Promise<GoldenOutcome> {
  const { pool } = gathered;
  const { step, status } = plan;
  if (!step) return { status };
  if (step.type === 'holdPool' || step.type === 'releasePool') {
    const { namespace, name } = pool.metadata;
    const change = step.type === 'holdPool' ? addFinalizerPatch : removeFinalizerPatch;
    const patch = change(pool, snapshotFinalizer);
    if (patch) await context.client.mergePatch(volumePools, { namespace, name }, patch);
    return { status };
  }
  try {
    const operation = await run(context, gathered, step, call);
    if (step.type === 'deleteBuilt')
      return { status: operation ? status : forgotten(status, step) };
    return { status: withOperation(status, OPERATION[step.type], operation) };
  } catch (error) {
    if (!(error instanceof CloudError)) throw error;
    return afterRefusal(gathered, step, error, context.runtime.clock.now());
  }
}

/** What the operation is called that each step starts; none for what is over when the call returns. */
const OPERATION: Readonly<Partial<Record<GoldenStep['type'], OperationRecord['type']>>> = {
  createDisk: 'Create',
  createMachine: 'Create',
  attachDisk: 'Attach',
  runCommand: 'RunCommand',
  deallocate: 'Deallocate',
  createSnapshot: 'Create',
  delete: 'Delete',
};

type CloudStep = Exclude<GoldenStep, { type: 'holdPool' | 'releasePool' }>;

function run(
  { cloud, runtime }: ControllerContext,
  gathered: Gathered,
  step: CloudStep,
  call: CallContext,
): Promise<Operation | undefined> {
  const scope = gathered.pool.status?.scope;
  assert(scope !== undefined, 'a step in Azure needs a scope');
  switch (step.type) {
    case 'createDisk': {
      const { name, sizeGiB, tags } = step;
      // Fits every machine; what the snapshot's copies are stored on is the pool's choice.
      return cloud.create('volume', { scope, name, sizeGiB, sku: 'StandardSSD_LRS', tags }, call);
    }
    case 'createMachine':
      return cloud.create('instance', machineIntent(gathered, step, runtime.random), call);
    case 'attachDisk': {
      assert(gathered.machine !== undefined, 'a disk is attached to a machine that was seen');
      const attach = [{ diskId: diskId(scope, step.disk), lun: 0 }];
      return cloud.changeDataDisks(gathered.machine, { attach, detach: [] }, call);
    }
    case 'runCommand':
      return cloud.runCommand(machineId(scope, step.machine), step.script, call);
    case 'deallocate':
      return cloud.power(machineId(scope, step.machine), 'deallocate', call);
    case 'createSnapshot': {
      const { name, tags, disk } = step;
      return cloud.create(
        'snapshot',
        { scope, name, sourceDiskId: diskId(scope, disk), tags },
        call,
      );
    }
    case 'tagSnapshot':
      return cloud.tag('snapshot', step.id, step.tags, call).then(() => undefined);
    case 'delete':
      return cloud.delete(step.kind, step.id, call);
    case 'deleteBuilt':
      return cloud.delete('snapshot', step.id, call);
  }
}

function machineIntent(
  { pool, userData, imageVersion }: Gathered,
  { name, tags }: GoldenStep & { type: 'createMachine' },
  random: Random,
): InstanceIntent {
  const { goldenSnapshot } = pool.spec;
  assert(goldenSnapshot.type === 'Build', 'only a recipe makes a machine');
  if (typeof userData === 'object') throw new PoolkeeperError('SecretNotFound', userData.problem);
  if (typeof imageVersion === 'object') {
    throw new PoolkeeperError('InvalidParameter', imageVersion.problem);
  }
  const { vmSize, subnetId } = goldenSnapshot.build;
  // Just the version that the snapshot's own version was made from.
  const image = exactImage(goldenSnapshot.build.image, imageVersion);
  return {
    scope: pool.status!.scope!,
    name,
    vmSize,
    image: image.type === 'Marketplace' ? image.marketplace : { id: image.resource.id },
    osDisk: { storageAccountType: 'StandardSSD_LRS', ephemeral: false },
    subnetId,
    adminUsername: 'poolkeeper',
    sshPublicKeys: [nobodysKey(random)],
    priority: 'Regular',
    identityIds: [],
    hibernationEnabled: false,
    tags,
    ...(userData === undefined ? {} : { userData }),
  };
}

/** Azure insists on a key. To this one nobody has, nor ever had, the other half. */
function nobodysKey(random: Random): string {
  const type = Buffer.from('ssh-ed25519');
  const fields = [type, Buffer.from(random.bytes(32))].flatMap((field) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(field.length);
    return [length, field];
  });
  return `ssh-ed25519 ${Buffer.concat(fields).toString('base64')} nobody`;
}

function withOperation(
  status: GoldenStatus,
  type: OperationRecord['type'] | undefined,
  operation: Operation | undefined,
): GoldenStatus {
  if (!status.snapshotBuild || type === undefined) return status;
  const { operation: _, ...build } = status.snapshotBuild;
  const { url, startedAt } = operation ?? {};
  const accepted = url && startedAt ? { operation: { type, url, startedAt } } : {};
  // Between two runs of a script only: after a failure it is when the next attempt begins.
  const { nextAttemptTime: __, ...running } = build;
  const kept = build.outcome === undefined ? running : build;
  return { ...status, snapshotBuild: { ...kept, attempts: 0, ...accepted } };
}

function forgotten(status: GoldenStatus, { id }: { readonly id: string }): GoldenStatus {
  return { ...status, builtSnapshots: status.builtSnapshots.filter((one) => one.id !== id) };
}

function afterRefusal(
  { pool }: Gathered,
  step: CloudStep,
  error: CloudError,
  now: number,
): GoldenOutcome {
  const before = goldenStatusOf(pool);
  const build = before.snapshotBuild;
  // Losing a race or being asked to slow down is no failure of the step.
  const isRace = ['Throttled', 'PreconditionFailed'].includes(error.class);
  if (!build || isRace) return { status: before, error };
  const { code, message } = error;
  const isLost = error.class === 'NotFound' || isHopeless(error);
  if (isLost && step.type !== 'delete' && step.type !== 'deleteBuilt')
    return { status: failed(before, pool, { code, message }, now) };
  const lastError = { code, message: message.slice(0, 4096), time: timestamp(now) };
  // Why the attempt failed matters more than what its clean-up runs into.
  const told = build.outcome === 'Failed' ? {} : { lastError };
  const refused = { ...build, attempts: build.attempts + 1, ...told };
  return { status: withProgress({ ...before, snapshotBuild: refused }), error };
}
