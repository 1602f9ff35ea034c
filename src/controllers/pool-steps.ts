// Carries out what a pool planner decided. Shared by both pools: only what a new member is made of differs.
import { childrenFinalizer, labels, resourceFinalizer } from '../api/names.ts';
import { type AnyObject, ownerReferenceTo, type Resource } from '../api/object.ts';
import { poolVolumes } from '../api/resources.ts';
import {
  addFinalizerPatch,
  type Draft,
  isAlreadyExists,
  isConflict,
  locked,
  removeFinalizerPatch,
} from '../kube/index.ts';
import { slotName } from '../plan/names.ts';
import type { PoolStep } from '../plan/pool.ts';
import type { ControllerContext } from './context.ts';
import { orphan } from './orphan.ts';

interface Pool extends AnyObject {
  metadata: AnyObject['metadata'] & { namespace: string };
}

export interface PoolEffects<P extends Pool, M extends AnyObject> {
  readonly poolResource: Resource<P>;
  readonly memberResource: Resource<M>;
  readonly memberSpec: (slot: { ordinal: number; zone?: string }) => object;
}

/** Writes in flight per pool at once: enough to fill a pool fast, few enough to leave room for claims. */
const PARALLEL_WRITES = 8;

export async function applyPoolSteps<P extends Pool, M extends AnyObject>(
  context: ControllerContext,
  pool: P,
  steps: readonly PoolStep[],
  effects: PoolEffects<P, M>,
): Promise<void> {
  const pending = [...steps];
  const work = async (): Promise<void> => {
    for (let step = pending.shift(); step; step = pending.shift()) {
      await applyStep(context, pool, step, effects);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL_WRITES }, work));
}

async function applyStep<P extends Pool, M extends AnyObject>(
  context: ControllerContext,
  pool: P,
  step: PoolStep,
  effects: PoolEffects<P, M>,
): Promise<void> {
  const { client } = context;
  const { namespace, name } = pool.metadata;
  switch (step.type) {
    case 'holdPool':
    case 'releasePool': {
      const change = step.type === 'holdPool' ? addFinalizerPatch : removeFinalizerPatch;
      const patch = change(pool, childrenFinalizer);
      if (patch) await client.mergePatch(effects.poolResource, { namespace, name }, patch);
      return;
    }
    case 'createMember': {
      const member = {
        metadata: {
          name: slotName(name, step.ordinal),
          namespace,
          labels: { [labels.pool]: name, [labels.poolKind]: pool.kind },
          finalizers: [resourceFinalizer],
          ownerReferences: [ownerReferenceTo(pool)],
        },
        spec: effects.memberSpec(step),
      };
      // Taken: another view of the pool filled the slot. The cache will show it; nothing is lost.
      await client
        .create(effects.memberResource, member as unknown as Draft<M>)
        .catch(unless(isAlreadyExists));
      return;
    }
    case 'prewarm': {
      const { name: instanceName, uid } = step.instance.metadata;
      const patch = locked(step.volume, { spec: { instanceRef: { name: instanceName, uid } } });
      await client
        .mergePatch(poolVolumes, { namespace, name: step.volume.metadata.name }, patch)
        .catch(unless(isConflict));
      return;
    }
    case 'orphanMember': {
      const resource = effects.memberResource as unknown as Resource<typeof step.member>;
      return orphan(context, resource, step.member);
    }
    case 'retireMember': {
      const { uid, resourceVersion } = step;
      // Refused: somebody bound it in the meantime. The compare-and-swap decides, not our view.
      await client
        .delete(effects.memberResource, { namespace, name: step.name }, { uid, resourceVersion })
        .catch(unless(isConflict));
    }
  }
}

/** The pool's last finalizer went in this pass: there may be nothing left to write a status to. */
export function isReleased(steps: readonly PoolStep[]): boolean {
  return steps.some(({ type }) => type === 'releasePool');
}

function unless(expected: (error: unknown) => boolean): (error: unknown) => void {
  return (error) => {
    if (!expected(error)) throw error;
  };
}
