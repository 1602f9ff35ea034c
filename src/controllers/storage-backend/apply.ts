// Carries out what a storage backend's plan says: its finalizer, its record of a prober, its status.
import type { BackendProbe } from '../../api/backend-probe.ts';
import { childrenFinalizer } from '../../api/names.ts';
import { ownerReferenceTo } from '../../api/object.ts';
import { backendProbes, storageBackends } from '../../api/resources.ts';
import type { StorageBackend, StorageBackendStatus } from '../../api/storage-backend.ts';
import {
  addFinalizerPatch,
  isAlreadyExists,
  isConflict,
  isNotFound,
  locked,
  removeFinalizerPatch,
} from '../../kube/index.ts';
import type { ProberStep } from '../../plan/storage-backend-prober.ts';
import type { Log } from '../../runtime/log.ts';
import type { ControllerContext } from '../context.ts';
import { reportTransition } from '../report-transition.ts';
import { writeStatus } from '../write-status.ts';

export async function applyHold(
  { client }: ControllerContext,
  backend: StorageBackend,
  hold: 'hold' | 'release',
): Promise<void> {
  const { namespace, name } = backend.metadata;
  const change = hold === 'hold' ? addFinalizerPatch : removeFinalizerPatch;
  const patch = change(backend, childrenFinalizer);
  if (patch) await client.mergePatch(storageBackends, { namespace, name }, patch).catch(unlessGone);
}

export async function applyProberStep(
  { client }: ControllerContext,
  log: Log,
  backend: StorageBackend,
  step: ProberStep,
): Promise<void> {
  log.info('a node probes the backend', { step: step.type, because: step.because });
  const { namespace, name } = backend.metadata;
  switch (step.type) {
    case 'create': {
      const metadata = { namespace, name, ownerReferences: [ownerReferenceTo(backend)] };
      // One that is there already shows in the cache in a moment, and is then judged.
      await client.create(backendProbes, { metadata, spec: step.spec }).catch((error: unknown) => {
        if (!isAlreadyExists(error)) throw error;
      });
      return;
    }
    case 'update': {
      const patch = locked(step.record, { spec: step.changes });
      await client.mergePatch(backendProbes, { namespace, name }, patch).catch(unlessGone);
      return;
    }
    case 'delete':
      await deleteRecord(client, step.record);
  }
}

export async function deleteRecord(
  client: ControllerContext['client'],
  { metadata }: BackendProbe,
): Promise<void> {
  const { namespace, name, uid } = metadata;
  await client.delete(backendProbes, { namespace, name }, { uid }).catch((error: unknown) => {
    if (!isConflict(error)) unlessGone(error);
  });
}

const BAD_PHASES: ReadonlySet<string> = new Set(['Offline', 'Error']);

/** Writes what has changed; a change of phase is also told as an event. */
export async function publish(
  context: ControllerContext,
  log: Log,
  backend: StorageBackend,
  status: StorageBackendStatus,
): Promise<void> {
  try {
    const isWritten = await writeStatus(context.client, storageBackends, backend, status);
    if (isWritten) reportPhase(context, log, backend, status);
  } catch (error) {
    // Deleted while it was probed.
    unlessGone(error);
  }
}

function reportPhase(
  context: ControllerContext,
  log: Log,
  backend: StorageBackend,
  { phase, message = '' }: StorageBackendStatus,
): void {
  const from = backend.status?.phase ?? 'Unknown';
  if (phase === from) return;
  reportTransition(context, log, {
    object: backend,
    from,
    to: phase,
    because: message,
    since: undefined,
    isBad: BAD_PHASES.has(phase),
    action: 'Probe',
  });
}

function unlessGone(error: unknown): void {
  if (!isNotFound(error)) throw error;
}
