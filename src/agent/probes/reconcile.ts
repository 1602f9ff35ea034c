// Probes the storage backends that are this node's task, and says what came of it in their records. The
// agent writes nothing but the status of its own records, and only when there is news.
import type { BackendProbe, BackendProbeStatus } from '../../api/backend-probe.ts';
import { parseDuration } from '../../api/duration.ts';
import { reasonOf } from '../../api/reasons.ts';
import { backendProbes } from '../../api/resources.ts';
import type { NetworkProber } from '../../backends/index.ts';
import {
  isNotFound,
  type Key,
  type KubeClient,
  type Result,
  type Store,
  statusPatch,
} from '../../kube/index.ts';
import type { Observation, Probed } from '../../plan/probe-observation.ts';
import { trialMount } from '../../plan/storage-backend-mounts.ts';
import {
  afterProbe,
  firstMemory,
  type Probable,
  type ProbeMemory,
  planProbe,
} from '../../plan/storage-backend-schedule.ts';
import { afterVerdict } from '../../plan/storage-backend-status.ts';
import { judgeProbe, type ProbeVerdict } from '../../plan/storage-backend-verdict.ts';
import { messageOf, PoolkeeperError } from '../../runtime/errors.ts';
import type { Runtime } from '../../runtime/index.ts';
import type { CredentialsSource } from '../credentials.ts';
import type { HostPort } from '../host-port.ts';
import { MountProber } from '../mount-prober.ts';
import { missingForCephfs, missingForNfs, type PreflightResult } from '../preflight.ts';
import { chapOf, initiatorNameOf } from './initiator.ts';
import { tryMount } from './trial.ts';

export interface BackendProbesOptions {
  readonly runtime: Runtime;
  readonly client: KubeClient;
  readonly host: HostPort;
  readonly network: NetworkProber;
  readonly records: Store<BackendProbe>;
  readonly credentials: CredentialsSource;
  readonly preflight: () => PreflightResult;
  /** The directory below which trials are mounted. */
  readonly root: string;
}

const EMPTY: BackendProbeStatus = { phase: 'Unknown', conditions: [], checks: [] };
/** Walking through a filesystem is not for every probe. */
const COUNT_MILLISECONDS = 10 * 60_000;
const BUCKETS = [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120];

export class BackendProbesReconciler {
  readonly #options: BackendProbesOptions;
  readonly #memories = new Map<Key, ProbeMemory>();
  readonly #prober: MountProber;
  readonly #stuck = new Set<string>();
  readonly #durations;

  constructor(options: BackendProbesOptions) {
    this.#options = options;
    this.#prober = new MountProber(options.runtime.clock);
    this.#durations = options.runtime.metrics.histogram(
      'poolkeeper_backend_probe_duration_seconds',
      'How long probes of storage backends took, by the phase they led to.',
      BUCKETS,
      ['type', 'phase'],
    );
  }

  async reconcile(key: Key, signal: AbortSignal): Promise<Result> {
    const { records, runtime } = this.#options;
    const { clock, random } = runtime;
    const record = records.byKey(key) as BackendProbe | undefined;
    if (!record) {
      this.#memories.delete(key);
      return { type: 'done' };
    }
    const probable = probableOf(record);
    const memory = this.#recall(key, record, probable);
    const startedAt = clock.monotonic();
    const decision = planProbe(probable, memory, startedAt);
    if (decision.type === 'idle') return { type: 'done' };
    if (decision.type === 'wait')
      return { type: 'wait', afterMilliseconds: decision.milliseconds, why: 'the next probe' };
    const countsFiles =
      memory.countedAt === undefined || startedAt - memory.countedAt >= COUNT_MILLISECONDS;
    const observation = await this.#observe(record, { countsFiles, signal });
    signal.throwIfAborted();
    const verdict = judgeProbe(record.spec, observation, clock.now());
    const now = clock.monotonic();
    const { phase, needsChange } = verdict;
    this.#durations.observe((now - startedAt) / 1000, { type: record.spec.type, phase });
    await this.#publish(record, verdict);
    const next = afterProbe(memory, probable, {
      isOnline: phase === 'Online',
      // The controller may have been away when the Secret changed: then nothing else wakes it.
      needsChange: needsChange && !('credentialsSecretRef' in record.spec),
      hasCounted: countsFiles && phase === 'Online',
      now,
      chance: random.next(),
    });
    this.#memories.set(key, next);
    return { type: 'wait', afterMilliseconds: next.nextAt - now, why: 'the next probe' };
  }

  #recall(key: Key, record: BackendProbe, probable: Probable): ProbeMemory {
    const known = this.#memories.get(key);
    if (known?.uid === record.metadata.uid) return known;
    const { lastProbeTime, observedGeneration, lastProbeRequest: request } = record.status ?? {};
    const isKnown =
      lastProbeTime !== undefined && observedGeneration === record.metadata.generation;
    const seen = { isKnown, isFresh: isKnown, ...(request === undefined ? {} : { request }) };
    const memory = firstMemory(probable, seen, this.#options.runtime.clock.monotonic());
    this.#memories.set(key, memory);
    return memory;
  }

  async #observe(
    record: BackendProbe,
    { countsFiles, signal }: { countsFiles: boolean; signal: AbortSignal },
  ): Promise<Observation> {
    const { network, preflight, host } = this.#options;
    const { spec } = record;
    const timeoutMilliseconds = parseDuration(spec.timeout);
    const secrets = await this.#fetchSecrets(record, signal);
    if ('type' in secrets) return secrets;
    const { values } = secrets;
    switch (spec.type) {
      case 'nfs': {
        const seen = await network.nfs({ ...spec.nfs, timeoutMilliseconds }, signal);
        return this.#trial(record, seen, {
          missing: missingForNfs(preflight()),
          countsFiles,
          values,
        });
      }
      case 'cephfs': {
        const seen = await network.ceph({ ...spec.cephfs, timeoutMilliseconds }, signal);
        return this.#trial(record, seen, {
          missing: missingForCephfs(preflight()),
          countsFiles,
          values,
        });
      }
      case 'iscsi': {
        const chap = chapOf(spec.iscsi.authentication, values);
        if (chap && 'type' in chap) return chap;
        const initiatorName = await initiatorNameOf(host);
        const request = { ...spec.iscsi, initiatorName, chap, timeoutMilliseconds };
        return network.iscsi(request, signal);
      }
    }
  }

  async #trial(
    record: BackendProbe,
    seen: Probed,
    more: {
      readonly missing: readonly string[];
      readonly countsFiles: boolean;
      readonly values: Readonly<Record<string, string>>;
    },
  ): Promise<Probed> {
    const { host, root, runtime } = this.#options;
    const { spec, metadata } = record;
    if (seen.outcome.type !== 'succeeded' || spec.type === 'iscsi') return seen;
    if (more.missing.length > 0) {
      const message = `${host.nodeName} lacks ${more.missing.join(' and ')}`;
      const outcome = {
        type: 'failed',
        check: 'Mount',
        code: 'PrerequisitesMissing',
        message,
      } as const;
      return { ...seen, outcome };
    }
    const timeoutMilliseconds = parseDuration(spec.timeout);
    return tryMount(seen, {
      host,
      root,
      clock: runtime.clock,
      prober: this.#prober,
      uid: metadata.uid,
      mount: trialMount(spec, Math.ceil(timeoutMilliseconds / 1000)),
      key: spec.type === 'cephfs' && spec.credentialsSecretRef ? more.values['key'] : undefined,
      countsFiles: more.countsFiles,
      timeoutMilliseconds,
      secrets: Object.values(more.values),
      stuck: this.#stuck,
    });
  }

  async #fetchSecrets(
    { metadata, spec }: BackendProbe,
    signal: AbortSignal,
  ): Promise<
    { values: Readonly<Record<string, string>> } | (Observation & { type: 'unprepared' })
  > {
    if (!('credentialsSecretRef' in spec) || !spec.credentialsSecretRef) return { values: {} };
    const { namespace, name, uid } = metadata;
    try {
      const subject = { kind: 'BackendProbe', namespace, name, uid } as const;
      const values = await this.#options.credentials.fetch(subject, signal);
      if (spec.type === 'cephfs' && !values['key'])
        return unprepared(
          'SecretNotFound',
          `Secret ${spec.credentialsSecretRef.name} lacks the key key`,
        );
      return { values };
    } catch (error) {
      signal.throwIfAborted();
      const code = error instanceof PoolkeeperError ? error.code : 'CredentialsUnavailable';
      return unprepared(reasonOf(code), messageOf(error));
    }
  }

  async #publish(record: BackendProbe, verdict: ProbeVerdict): Promise<void> {
    const { client, records, runtime } = this.#options;
    const { namespace, name, uid, generation } = record.metadata;
    const latest = records.byUid(uid) as BackendProbe | undefined;
    if (!latest) return;
    const now = runtime.clock.now();
    const status = afterVerdict(latest.status ?? EMPTY, verdict, {
      generation,
      request: record.spec.request,
      probedAt: now,
      now,
    });
    const patch = statusPatch(latest, status);
    if (!patch) return;
    try {
      const options = { subresource: 'status' } as const;
      await client.mergePatch(
        backendProbes,
        { namespace, name },
        { ...patch, metadata: { uid } },
        options,
      );
    } catch (error) {
      // Taken away while it was probed.
      if (!isNotFound(error)) throw error;
    }
  }
}

function unprepared(reason: ReturnType<typeof reasonOf>, message: string) {
  return { type: 'unprepared', reason, message } as const;
}

function probableOf({ metadata, spec }: BackendProbe): Probable {
  return {
    uid: metadata.uid,
    generation: metadata.generation,
    request: spec.request,
    interval: spec.interval,
    isIdle: metadata.deletionTimestamp !== undefined,
  };
}
