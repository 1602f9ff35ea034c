// StorageBackend: probes endpoints regularly and says whether they answer, how fast, how full they
// are, and why not. http and s3 are asked from here; for the others a node's agent is found.
import type { StorageBackend } from '../../api/storage-backend.ts';
import type { Key, Reconcile, Result } from '../../kube/index.ts';
import { keyOfObject } from '../../kube/index.ts';
import {
  type BackendView,
  isFresh,
  isProbedByNode,
  type ProbeNews,
  planHold,
  planStorageBackend,
  probableOf,
} from '../../plan/storage-backend.ts';
import { type ObservedSecret, planProber } from '../../plan/storage-backend-prober.ts';
import {
  afterProbe,
  firstMemory,
  inspectEvery,
  type ProbeMemory,
  planProbe,
} from '../../plan/storage-backend-schedule.ts';
import { judgeProbe } from '../../plan/storage-backend-verdict.ts';
import type { Log } from '../../runtime/log.ts';
import type { ControllerContext } from '../context.ts';
import type { Agents } from '../storage-pool/index.ts';
import { applyHold, applyProberStep, deleteRecord, publish } from './apply.ts';
import { gatherBackend, gatherProber } from './gather.ts';
import { readInputs } from './inputs.ts';
import { type BackendProber, observe } from './observe.ts';
import { InputSightings, inputsOf } from './sightings.ts';

export { type BackendProber, createBackendProber } from './observe.ts';
export { watchStorageBackends } from './watches.ts';

/** Probes at the same time: enough that many that stall don't hold up the rest. */
export const PROBE_WORKERS = 96;
/** Of one server: however many backends are on it, it isn't overrun, and its silence holds up few. */
export const PROBES_PER_SERVER = 16;

/** Objects are counted no more often: each page of a list costs time, and in clouds money. */
const COUNT_MILLISECONDS = 10 * 60_000;
const PROBE_SECONDS_BUCKETS = [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120];

export interface BackendReconcilerOptions {
  readonly context: ControllerContext;
  readonly prober: BackendProber;
  readonly agents: Agents;
}

export function reconcileStorageBackend(options: BackendReconcilerOptions): Reconcile {
  const reconciler = new BackendReconciler(options);
  return (key, signal, log) => reconciler.reconcile(key, signal, log);
}

interface SecretSight extends ObservedSecret {
  readonly uid: string;
}

interface Pass {
  readonly view: BackendView;
  readonly signal: AbortSignal;
  readonly log: Log;
}

class BackendReconciler {
  readonly #context: ControllerContext;
  readonly #prober: BackendProber;
  readonly #agents: Agents;
  readonly #memories = new Map<Key, ProbeMemory>();
  readonly #sightings: InputSightings;
  /** Of backends that nodes probe: what their Secrets were when this process saw them first. */
  readonly #firstSecrets = new Map<Key, SecretSight>();
  readonly #durations;

  constructor({ context, prober, agents }: BackendReconcilerOptions) {
    this.#context = context;
    this.#prober = prober;
    this.#agents = agents;
    this.#sightings = new InputSightings(context.client, context.runtime.clock);
    this.#durations = context.runtime.metrics.histogram(
      'poolkeeper_backend_probe_duration_seconds',
      'How long probes of storage backends took, by the phase they led to.',
      PROBE_SECONDS_BUCKETS,
      ['type', 'phase'],
    );
  }

  async reconcile(key: Key, signal: AbortSignal, log: Log): Promise<Result> {
    const { stores, client } = this.#context;
    const backend = stores.storageBackends.byKey(key);
    if (!backend) {
      this.#memories.delete(key);
      this.#firstSecrets.delete(key);
      // Its owner is gone: what the garbage collector has not got round to yet.
      const record = stores.backendProbes.byKey(key);
      if (record) await deleteRecord(client, record);
      return { type: 'done' };
    }
    const view = gatherBackend(stores, backend);
    const hold = planHold(view);
    if (hold) await applyHold(this.#context, backend, hold);
    if (hold === 'release') return { type: 'done' };
    const pass = { view, signal, log };
    return isProbedByNode(backend) ? this.#follow(key, pass) : this.#probeIfDue(key, pass);
  }

  /** A node probes: sees to it that one does, and passes on what it says. */
  async #follow(key: Key, { view, log }: Pass): Promise<Result> {
    const { stores, runtime } = this.#context;
    const seen = gatherProber(stores, this.#agents, view);
    const secret = seen.isWanted ? await this.#secretOf(key, view.backend) : undefined;
    const plan = planProber({ ...seen, secret }, runtime.clock.now());
    if (plan.step) await applyProberStep(this.#context, log, view.backend, plan.step);
    await this.#publish(view, plan.news, log);
    const waits = [plan.waitMilliseconds, secret && this.#inspectEvery()];
    const afterMilliseconds = Math.min(...waits.filter((wait) => wait !== undefined));
    if (!Number.isFinite(afterMilliseconds)) return { type: 'done' };
    return { type: 'wait', afterMilliseconds, why: 'the word of its prober' };
  }

  /** What its Secret is, and was when it was seen first; undefined where it names none. */
  async #secretOf(key: Key, backend: StorageBackend): Promise<SecretSight | undefined> {
    const references = inputsOf(backend);
    if (references.length === 0) return undefined;
    const version = await this.#sightings.versionOf(references, this.#inspectEvery() / 2);
    const { uid } = backend.metadata;
    const known = this.#firstSecrets.get(key);
    const first = known?.uid === uid ? known.first : version;
    const sight = { uid, first, version };
    this.#firstSecrets.set(key, sight);
    return sight;
  }

  #inspectEvery(): number {
    return inspectEvery(this.#memories.size + this.#firstSecrets.size);
  }

  async #probeIfDue(key: Key, pass: Pass): Promise<Result> {
    const { clock } = this.#context.runtime;
    const { view } = pass;
    const { backend } = view;
    const probable = probableOf(backend, view);
    const memory = this.#recall(key, view);
    const decision = planProbe(probable, memory, clock.monotonic());
    switch (decision.type) {
      case 'idle':
      case 'wait': {
        const isStale = decision.type === 'wait' && memory.generation === undefined;
        await this.#publish(view, isStale ? outdated(backend) : undefined, pass.log);
        if (decision.type === 'idle') return { type: 'done' };
        return { type: 'wait', afterMilliseconds: decision.milliseconds, why: 'the next probe' };
      }
      case 'inspect': {
        const every = this.#inspectEvery();
        const version = await this.#sightings.versionOf(inputsOf(backend), every / 2);
        if (version !== memory.inputsVersion)
          return this.#probe(key, memory, { ...pass, because: 'its Secret has changed' });
        const now = clock.monotonic();
        this.#memories.set(key, { ...memory, inspectAt: now + every });
        const afterMilliseconds = Math.min(memory.nextAt - now, every);
        return { type: 'wait', afterMilliseconds, why: 'the next probe' };
      }
      case 'probe':
        return this.#probe(key, memory, { ...pass, because: decision.because });
    }
  }

  #recall(key: Key, view: BackendView): ProbeMemory {
    const { clock } = this.#context.runtime;
    const { backend } = view;
    const known = this.#memories.get(key);
    if (known?.uid === backend.metadata.uid) return known;
    const { lastProbeTime, lastProbeRequest: request } = backend.status ?? {};
    const memory = firstMemory(
      probableOf(backend, view),
      {
        isKnown: lastProbeTime !== undefined,
        isFresh: isFresh(backend, clock.now()),
        ...(request === undefined ? {} : { request }),
      },
      clock.monotonic(),
    );
    this.#memories.set(key, memory);
    return memory;
  }

  async #probe(
    key: Key,
    memory: ProbeMemory,
    { view, signal, log, because }: Pass & { because: string },
  ): Promise<Result> {
    const { client, runtime } = this.#context;
    const { clock, random } = runtime;
    const { backend } = view;
    if (!backend.status) await this.#publish(view, undefined, log);
    const startedAt = clock.monotonic();
    const { inputs, version } = await readInputs(client, this.#sightings, backend);
    const countsObjects = isCountDue(backend, memory, startedAt);
    const observation =
      inputs.type === 'unprepared'
        ? inputs
        : await observe(this.#prober, backend, inputs, { countsObjects, signal });
    const verdict = judgeProbe(backend.spec, observation, clock.now());
    const now = clock.monotonic();
    const { phase, reason, needsChange } = verdict;
    this.#durations.observe((now - startedAt) / 1000, { type: backend.spec.type, phase });
    log.debug('probed', { because, phase, reason });
    // About the spec as it was when the probe began.
    await this.#publish(view, { type: 'verdict', verdict }, log);
    // Remembered once it is told: a write that failed is made up for by another probe.
    const next = afterProbe(memory, probableOf(backend, view), {
      isOnline: phase === 'Online',
      needsChange,
      inputsVersion: version,
      ...(version === '' ? {} : { inspectMilliseconds: this.#inspectEvery() }),
      hasCounted: countsObjects && phase === 'Online',
      now,
      chance: random.next(),
    });
    this.#memories.set(key, next);
    const until = Math.min(next.nextAt, next.inspectAt ?? next.nextAt);
    return { type: 'wait', afterMilliseconds: until - now, why: 'the next probe' };
  }

  async #publish(view: BackendView, news: ProbeNews | undefined, log: Log): Promise<void> {
    const { stores, runtime } = this.#context;
    const latest = stores.storageBackends.byUid(view.backend.metadata.uid);
    if (!latest) return;
    // The status may have moved on while it was probed, and so may who uses it.
    const { status: _, ...object } = view.backend;
    const backend = { ...object, ...(latest.status ? { status: latest.status } : {}) };
    const { deletionTimestamp } = latest.metadata;
    const metadata = { ...object.metadata, ...(deletionTimestamp ? { deletionTimestamp } : {}) };
    const current = { ...gatherBackend(stores, latest), backend: { ...backend, metadata } };
    const status = planStorageBackend(current, news, runtime.clock.now());
    await publish(this.#context, log, current.backend, status);
  }
}

function isCountDue({ spec, metadata }: StorageBackend, memory: ProbeMemory, now: number): boolean {
  if (spec.type !== 's3') return false;
  if (memory.countedAt === undefined || memory.generation !== metadata.generation) return true;
  return now - memory.countedAt >= COUNT_MILLISECONDS;
}

function outdated({ status }: StorageBackend): ProbeNews | undefined {
  if (status?.lastProbeTime === undefined) return undefined;
  const message = `the last probe was at ${status.lastProbeTime}; it is probed again within a minute`;
  return { type: 'outdated', message };
}

/** By whose fault it may be slow: backends of one server share what it holds up. */
export function serverOf(context: ControllerContext): (key: Key) => string {
  return (key) => {
    const backend = context.stores.storageBackends.byKey(key);
    if (!backend) return '';
    const { spec } = backend;
    const address =
      spec.type === 'http' ? spec.http.baseURL : spec.type === 's3' ? spec.s3.endpoint : undefined;
    return address === undefined ? keyOfObject(backend) : (URL.parse(address)?.host ?? '');
  };
}
