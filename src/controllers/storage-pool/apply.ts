// Carries out what a storage pool's plan says, one write per step and in its order.
import { childrenFinalizer, labels, resourceFinalizer } from '../../api/names.ts';
import type { NodeMount } from '../../api/node-mount.ts';
import { ownerReferenceTo } from '../../api/object.ts';
import { nodeMounts, storagePools } from '../../api/resources.ts';
import type { StoragePool } from '../../api/storage-pool.ts';
import {
  addFinalizerPatch,
  type Draft,
  isAlreadyExists,
  isConflict,
  isNotFound,
  locked,
  removeFinalizerPatch,
} from '../../kube/index.ts';
import type { MountRelease, StoragePoolStep } from '../../plan/storage-pool.ts';
import type { LeaseStep } from '../../plan/volume-lease-step.ts';
import type { Log } from '../../runtime/log.ts';
import type { ControllerContext } from '../context.ts';
import { applyExposure } from './exposure.ts';
import { applyLease, isLeaseStep, type LeaseOutcome, type LeasePass } from './lease-steps.ts';

/** Resolves with what the status is to remember of the disks from a VolumePool. */
export async function apply(
  context: ControllerContext,
  pass: LeasePass,
  steps: readonly StoragePoolStep[],
): Promise<LeaseOutcome> {
  const { log, pool } = pass;
  let outcome: LeaseOutcome = { lostRaces: 0 };
  for (const step of steps) {
    if (isLeaseStep(step)) outcome = await applyLease(context, pass, step, outcome);
    else await applyStep(context, log, pool, step);
  }
  return outcome;
}

async function applyStep(
  context: ControllerContext,
  log: Log,
  pool: StoragePool,
  step: Exclude<StoragePoolStep, LeaseStep>,
): Promise<void> {
  const { client } = context;
  const { namespace, name } = pool.metadata;
  switch (step.type) {
    case 'holdPool':
    case 'releasePool': {
      const change = step.type === 'holdPool' ? addFinalizerPatch : removeFinalizerPatch;
      const patch = change(pool, childrenFinalizer);
      if (patch) await client.mergePatch(storagePools, { namespace, name }, patch);
      return;
    }
    case 'createMount':
      log.info('asking a node for storage', { mount: step.name, because: step.because });
      // Taken: the cache will show by whom, and the next pass says so.
      await client.create(nodeMounts, draftOf(pool, step)).catch(unless(isAlreadyExists));
      return;
    case 'updateMount': {
      const { mount, changes, because } = step;
      log.info('changing what a node is asked for', { mount: mount.metadata.name, because });
      const patch = locked(mount, { spec: changes });
      await client.mergePatch(nodeMounts, referenceTo(mount), patch);
      return;
    }
    case 'deleteMount': {
      const { mount, because } = step;
      const { uid, resourceVersion } = mount.metadata;
      log.info('asking a node to undo storage', { mount: mount.metadata.name, because });
      await client
        .delete(nodeMounts, referenceTo(mount), { uid, resourceVersion })
        .catch(unless(isConflict));
      return;
    }
    case 'releaseMount':
      await release(context, log, pool, step);
      return;
    case 'createClass':
    case 'deleteClass':
    case 'createVolume':
    case 'changeVolume':
    case 'deleteVolume':
      log.info('changing what pods are offered', { step: step.type });
      await applyExposure(client, step);
  }
}

/** `about` is the pool, or the mount itself where its pool is gone: who hears of what was left. */
export async function release(
  { client, events }: ControllerContext,
  log: Log,
  about: StoragePool | NodeMount,
  { mount, because, kept, leftBehind }: MountRelease,
): Promise<void> {
  const patch = removeFinalizerPatch(mount, resourceFinalizer);
  if (!patch) return;
  const fields = { mount: mount.metadata.name, because };
  if (leftBehind === undefined) log.info('letting go of a mount', { ...fields, kept });
  else log.warn('letting go of a mount that was not cleaned up', { ...fields, leftBehind });
  await client.mergePatch(nodeMounts, referenceTo(mount), patch).catch(unless(isNotFound));
  if (leftBehind !== undefined)
    events.event(about, 'Warning', 'LeftBehind', 'Release', `${because}; left: ${leftBehind}`);
  else if (kept !== undefined)
    events.event(about, 'Normal', 'CleanedUp', 'Release', `${mount.spec.nodeName}: ${kept}`);
}

function draftOf(
  pool: StoragePool,
  { name, spec }: StoragePoolStep & { type: 'createMount' },
): Draft<NodeMount> {
  return {
    metadata: {
      name,
      namespace: pool.metadata.namespace,
      labels: labelsOf(pool, spec.nodeName),
      finalizers: [resourceFinalizer],
      ownerReferences: [ownerReferenceTo(pool)],
    },
    spec,
  };
}

const LABEL_MAX_LENGTH = 63;

/** Labels are for people and selectors; a name that is too long for one does without. */
function labelsOf({ metadata, kind }: StoragePool, nodeName: string): Record<string, string> {
  const wanted = {
    [labels.pool]: metadata.name,
    [labels.poolKind]: kind,
    [labels.node]: nodeName,
  };
  const fitting = Object.entries(wanted).filter(([, value]) => value.length <= LABEL_MAX_LENGTH);
  return Object.fromEntries(fitting);
}

function referenceTo({ metadata }: NodeMount): { namespace: string; name: string } {
  return { namespace: metadata.namespace, name: metadata.name };
}

function unless(expected: (error: unknown) => boolean): (error: unknown) => void {
  return (error) => {
    if (!expected(error)) throw error;
  };
}
