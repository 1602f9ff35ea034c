// What a StorageBackend's status says, and when the object may go: not while StoragePools use it.
import { removeCondition, setCondition } from '../api/conditions.ts';
import { parseDuration } from '../api/duration.ts';
import { annotations, childrenFinalizer } from '../api/names.ts';
import type { StorageBackend, StorageBackendStatus } from '../api/storage-backend.ts';
import type { Probable } from './storage-backend-schedule.ts';
import {
  afterVerdict,
  messageOf,
  type ProbeStatus,
  summaryOf,
  unprobed,
} from './storage-backend-status.ts';
import type { ProbeVerdict } from './storage-backend-verdict.ts';

export const EMPTY_BACKEND_STATUS: StorageBackendStatus = {
  phase: 'Unknown',
  conditions: [],
  checks: [],
  users: [],
};

const REQUEST_MAX_LENGTH = 256;
/** Results are published at least this often, so an older one belongs to a prober that is no more. */
const PUBLISHED_MILLISECONDS = 10 * 60_000;
const USERS_NAMED = 20;

export type ProbeNews =
  /** A probe of this process has ended. */
  | { readonly type: 'verdict'; readonly verdict: ProbeVerdict }
  /** What the agent of a node says. */
  | { readonly type: 'record'; readonly status: ProbeStatus; readonly nodeName: string }
  /** Nobody can say, and why. */
  | { readonly type: 'none'; readonly reason: 'NoProber'; readonly message: string }
  | { readonly type: 'outdated'; readonly message: string };

export interface BackendView {
  readonly backend: StorageBackend;
  /** StoragePools that use it, `<kind> <name>`. */
  readonly users: readonly string[];
  /** Where they have it mounted. */
  readonly mountPath?: string | undefined;
}

export function requestOf({ metadata }: StorageBackend): string | undefined {
  return metadata.annotations?.[annotations.probeRequestedAt]?.slice(0, REQUEST_MAX_LENGTH);
}

/** http and s3 are asked by the operator itself, the others by the agent of a node. */
export function isProbedByNode({ spec }: StorageBackend): boolean {
  return spec.type === 'nfs' || spec.type === 'iscsi' || spec.type === 'cephfs';
}

export function probableOf(
  backend: StorageBackend,
  { users }: Pick<BackendView, 'users'>,
): Probable {
  const { metadata, spec } = backend;
  // One that is on its way out matters as long as somebody uses it.
  const isLeaving = metadata.deletionTimestamp !== undefined && users.length === 0;
  return {
    uid: metadata.uid,
    generation: metadata.generation,
    request: requestOf(backend),
    interval: spec.probeInterval,
    isIdle: spec.suspend || isLeaving,
  };
}

/** From when on a result is too old to be believed, in milliseconds after it was published. */
export function believableMilliseconds({ spec }: StorageBackend): number {
  const interval = parseDuration(spec.probeInterval);
  return (
    Math.max(PUBLISHED_MILLISECONDS, interval) + 2 * interval + parseDuration(spec.probeTimeout)
  );
}

export function isFresh(backend: StorageBackend, now: number): boolean {
  const { status, metadata } = backend;
  if (status?.lastProbeTime === undefined) return false;
  if (status.observedGeneration !== metadata.generation) return false;
  return now - Date.parse(status.lastProbeTime) < believableMilliseconds(backend);
}

/** What is to be done about the finalizer before anything else. */
export function planHold({ backend, users }: BackendView): 'hold' | 'release' | undefined {
  const { deletionTimestamp, finalizers = [] } = backend.metadata;
  const isHeld = finalizers.includes(childrenFinalizer);
  if (deletionTimestamp === undefined) return isHeld ? undefined : 'hold';
  return isHeld && users.length === 0 ? 'release' : undefined;
}

/** The status to have: the very same one where there is no news. */
export function planStorageBackend(
  view: BackendView,
  news: ProbeNews | undefined,
  now: number,
): StorageBackendStatus {
  const probed = planProbed(view.backend, news, now);
  return withSurroundings(probed, view, now);
}

function planProbed(
  backend: StorageBackend,
  news: ProbeNews | undefined,
  now: number,
): StorageBackendStatus {
  const before = backend.status ?? EMPTY_BACKEND_STATUS;
  const { generation } = backend.metadata;
  if (backend.spec.suspend) {
    const message = 'spec.suspend is true; it is not probed';
    return finished(unprobed(before, generation, { reason: 'Suspended', message }, now), message);
  }
  switch (news?.type) {
    case 'verdict': {
      const { verdict } = news;
      const request = requestOf(backend);
      const after = afterVerdict(before, verdict, { generation, request, probedAt: now, now });
      return after === before ? before : finished(after, messageOf(verdict));
    }
    case 'record':
      return fromRecord(backend, news);
    case 'none': {
      const { reason, message } = news;
      return finished(
        unprobed(before, generation, { reason, message, continues: true }, now),
        message,
      );
    }
    case 'outdated': {
      const said = { reason: 'ProbeOutdated', message: news.message, continues: true } as const;
      return finished(unprobed(before, generation, said, now), news.message);
    }
    case undefined: {
      if (backend.status && before.observedGeneration === generation) return before;
      if (backend.status && before.lastProbeTime !== undefined) return before;
      const message = 'the first probe is under way';
      const said = { reason: 'NotYetObserved', message, continues: true } as const;
      return finished(unprobed(before, generation, said, now), message);
    }
  }
}

/** The agent has already decided what is news; the controller passes it on as it is. */
function fromRecord(
  { metadata, status: before = EMPTY_BACKEND_STATUS }: StorageBackend,
  { status, nodeName }: ProbeNews & { type: 'record' },
): StorageBackendStatus {
  const { observedGeneration: _, conditions, ...told } = status;
  const { users, mountPath } = before;
  const ready = conditions.find(({ type }) => type === 'Ready');
  const kept = before.conditions.filter(({ type }) => type === 'Deleting');
  const after: StorageBackendStatus = {
    ...(told as Omit<StorageBackendStatus, 'users' | 'conditions'>),
    users,
    ...(mountPath === undefined ? {} : { mountPath }),
    node: nodeName,
    conditions: [
      ...conditions.map((condition) => {
        const was = before.conditions.find(({ type }) => type === condition.type);
        const lastTransitionTime =
          was?.status === condition.status ? was.lastTransitionTime : condition.lastTransitionTime;
        return {
          ...condition,
          lastTransitionTime,
          ...(metadata.generation === undefined ? {} : { observedGeneration: metadata.generation }),
        };
      }),
      ...kept,
    ],
    ...(metadata.generation === undefined ? {} : { observedGeneration: metadata.generation }),
  };
  const latency = status.latencyMilliseconds;
  const timing = latency === undefined ? '' : ` after ${Math.round(latency)} ms`;
  return finished(after, `${ready?.message ?? ''}${timing}`);
}

function finished(status: StorageBackendStatus, message: string): StorageBackendStatus {
  const summary = summaryOf(status);
  const { summary: _, ...rest } = status;
  return { ...rest, message, ...(Object.keys(summary).length > 0 ? { summary } : {}) };
}

/** Who uses it, and whether that keeps it from being deleted. */
function withSurroundings(
  status: StorageBackendStatus,
  { backend, users, mountPath }: BackendView,
  now: number,
): StorageBackendStatus {
  const { generation, deletionTimestamp } = backend.metadata;
  const named = users.slice(0, USERS_NAMED);
  const isBlocked = deletionTimestamp !== undefined && users.length > 0;
  const more = users.length - named.length;
  const list = `${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
  const conditions = isBlocked
    ? setCondition(
        status.conditions,
        {
          type: 'Deleting',
          status: 'True',
          reason: 'BackendInUse',
          message: `it is deleted once nothing uses it any more; now it is used by ${list}`,
          observedGeneration: generation,
        },
        now,
      )
    : removeCondition(status.conditions, 'Deleting');
  const isSame =
    conditions === status.conditions &&
    mountPath === status.mountPath &&
    named.length === status.users.length &&
    named.every((user, index) => user === status.users[index]);
  if (isSame) return status;
  const { mountPath: _, ...rest } = status;
  return { ...rest, ...(mountPath === undefined ? {} : { mountPath }), users: named, conditions };
}
