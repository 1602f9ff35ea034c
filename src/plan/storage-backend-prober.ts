// Which node probes a storage backend. There is one record per backend and of its name, so there is
// never a second prober; it moves when its node's agent falls silent. Which node is taken follows from
// the backend's uid: probes are spread over the nodes, and a node that comes or goes moves few of them.
import type { BackendProbe, BackendProbeSpec } from '../api/backend-probe.ts';
import { parseDuration } from '../api/duration.ts';
import type { StorageBackend } from '../api/storage-backend.ts';
import { believableMilliseconds, isFresh, type ProbeNews, requestOf } from './storage-backend.ts';
import { share } from './storage-backend-schedule.ts';

export interface ProberView {
  readonly backend: StorageBackend;
  /** Of the backend's name; perhaps of a former backend of that name. */
  readonly record: BackendProbe | undefined;
  /** Nodes of the cluster whose agent is ready. */
  readonly readyNodes: readonly string[];
  /** Whether the node that spec.nodeName names is in the cluster. */
  readonly isNamedNodeKnown: boolean;
  /** It is neither suspended nor on its way out. */
  readonly isWanted: boolean;
  /** Undefined where it needs none. */
  readonly secret?: ObservedSecret | undefined;
}

/** Versions of a Secret as opaque texts. */
export interface ObservedSecret {
  /** When this process saw it first. */
  readonly first: string;
  readonly version: string;
}

export type ProberStep =
  | { readonly type: 'create'; readonly spec: BackendProbeSpec; readonly because: string }
  | {
      readonly type: 'update';
      readonly record: BackendProbe;
      readonly changes: object;
      readonly because: string;
    }
  | { readonly type: 'delete'; readonly record: BackendProbe; readonly because: string };

export interface ProberPlan {
  readonly step?: ProberStep;
  readonly news?: ProbeNews;
  /** When to look again even if nothing happens. */
  readonly waitMilliseconds?: number;
}

/** Beyond its own time, for the agent to hear of its task and to tell. */
const GRACE_MILLISECONDS = 30_000;

export function planProber(view: ProberView, now: number): ProberPlan {
  const { backend, record, isWanted } = view;
  if (!isWanted)
    return record ? { step: { type: 'delete', record, because: 'it is not to be probed' } } : {};
  const nodeName = chooseNode(view);
  if (record && record.spec.backendRef.uid !== backend.metadata.uid)
    return { step: { type: 'delete', record, because: 'it is of a former backend' } };
  if (record?.metadata.deletionTimestamp !== undefined) return {};
  if (nodeName === undefined) {
    const news = { type: 'none', reason: 'NoProber', message: whyNone(view) } as const;
    if (!record) return { news };
    return { news, step: { type: 'delete', record, because: 'its node can no longer probe' } };
  }
  const spec = specFor(view, nodeName);
  if (!record)
    return {
      step: { type: 'create', spec, because: `${nodeName} is to probe` },
      ...whileWaiting(view, now, nodeName, now),
    };
  if (record.spec.nodeName !== nodeName || record.spec.type !== spec.type) {
    const because = `${nodeName} is to probe instead of ${record.spec.nodeName}`;
    return { step: { type: 'delete', record, because }, ...whileWaiting(view, now, nodeName, now) };
  }
  const changes = differences(record.spec, spec);
  if (changes)
    return { step: { type: 'update', record, changes, because: 'its task has changed' } };
  return planNews(view, record, now);
}

/** What the record says, if it can be believed. */
function planNews(view: ProberView, record: BackendProbe, now: number): ProberPlan {
  const { backend } = view;
  const { status, metadata, spec } = record;
  const { nodeName } = spec;
  const isAnswered =
    status?.lastProbeTime !== undefined && status.observedGeneration === metadata.generation;
  // The agent is at the new task; what is known is still of the old one.
  if (!isAnswered) return whileWaiting(view, now, nodeName, Date.parse(metadata.creationTimestamp));
  const probedAt = Date.parse(status.lastProbeTime ?? '');
  const left = probedAt + believableMilliseconds(backend) - now;
  if (left > 0) return { news: { type: 'record', status, nodeName }, waitMilliseconds: left };
  const message = `${nodeName} has not reported a probe since ${status.lastProbeTime}; see the log of its agent`;
  return { news: { type: 'outdated', message } };
}

/** A result that is still good stands until the new prober has had its chance. */
function whileWaiting(
  { backend }: ProberView,
  now: number,
  nodeName: string,
  since: number,
): ProberPlan {
  const { probeTimeout, probeInterval } = backend.spec;
  const patience = parseDuration(probeTimeout) + GRACE_MILLISECONDS;
  const left = since + patience - now;
  if (left > 0) return { waitMilliseconds: left };
  if (isFresh(backend, now - parseDuration(probeInterval)) && backend.status?.node === nodeName)
    return {};
  const message = `${nodeName} is to probe it and has not answered yet; see the log of its agent`;
  return { news: { type: 'outdated', message } };
}

function chooseNode({ backend, record, readyNodes }: ProberView): string | undefined {
  const { spec, metadata } = backend;
  const named = 'nodeName' in spec ? spec.nodeName : undefined;
  if (named !== undefined) return readyNodes.includes(named) ? named : undefined;
  if (record && readyNodes.includes(record.spec.nodeName)) return record.spec.nodeName;
  let best: string | undefined;
  let bestShare = -1;
  for (const node of readyNodes) {
    const nodeShare = share(`${metadata.uid}/${node}`);
    if (nodeShare > bestShare) [best, bestShare] = [node, nodeShare];
  }
  return best;
}

function whyNone({ backend, isNamedNodeKnown }: ProberView): string {
  const { spec } = backend;
  const named = 'nodeName' in spec ? spec.nodeName : undefined;
  if (named === undefined)
    return `no node's agent is ready, and only nodes probe ${spec.type}: is the agent installed and running?`;
  if (!isNamedNodeKnown)
    return `spec.nodeName names ${named}, which is not in the cluster: correct or remove it`;
  return `the agent of ${named}, which spec.nodeName names, is not ready; see its pod`;
}

function specFor(view: ProberView, nodeName: string): BackendProbeSpec {
  const { backend } = view;
  const { spec, metadata } = backend;
  const request = requestOf(backend);
  const shared = {
    backendRef: { name: metadata.name, uid: metadata.uid },
    nodeName,
    interval: spec.probeInterval,
    timeout: spec.probeTimeout,
    ...(request === undefined ? {} : { request }),
    ...changedSecret(view),
  };
  switch (spec.type) {
    case 'nfs':
      return { type: 'nfs', nfs: spec.nfs, ...shared };
    case 'iscsi':
      return { type: 'iscsi', iscsi: spec.iscsi, ...credentialsOf(spec), ...shared };
    case 'cephfs':
      return { type: 'cephfs', cephfs: spec.cephfs, ...credentialsOf(spec), ...shared };
    default:
      throw new Error(`assertion failed: nodes do not probe ${spec.type}`);
  }
}

/**
 * The version is told once it is another than at first: agents get the Secret anew for every probe, so
 * only a change is worth a write. A version that was told before stands until there is another one.
 */
function changedSecret({ secret, record }: ProberView): { credentialsVersion?: string } {
  const told = record?.spec.credentialsVersion;
  if (secret && (told !== undefined || secret.version !== secret.first))
    return { credentialsVersion: secret.version };
  return told === undefined ? {} : { credentialsVersion: told };
}

function credentialsOf({
  credentialsSecretRef,
}: {
  readonly credentialsSecretRef?: { name: string } | undefined;
}): { credentialsSecretRef?: { name: string } } {
  return credentialsSecretRef ? { credentialsSecretRef } : {};
}

/** As a merge patch; undefined when there is none. */
function differences(present: BackendProbeSpec, wanted: BackendProbeSpec): object | undefined {
  const names = new Set([...Object.keys(present), ...Object.keys(wanted)]);
  const [before, after] = [present, wanted] as unknown as Record<string, unknown>[];
  const changed = [...names].filter(
    (name) => canonical(before?.[name]) !== canonical(after?.[name]),
  );
  if (changed.length === 0) return undefined;
  return Object.fromEntries(changed.map((name) => [name, after?.[name] ?? null]));
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_name, part: unknown) =>
    part !== null && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([one], [other]) => (one < other ? -1 : 1)))
      : part,
  );
}
