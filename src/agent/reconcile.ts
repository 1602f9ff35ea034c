// One NodeMount of this node: look, plan, start the next step, report. Steps run in the background;
// when one ends, the object is looked at anew.
import type { NodeMount } from '../api/node-mount.ts';
import type { DeepReadonly } from '../api/object.ts';
import { nodeMounts } from '../api/resources.ts';
import type { EventRecorder } from '../kube/events.ts';
import {
  isNotFound,
  type Key,
  type KubeClient,
  mergeStatus,
  type Result,
  type Store,
  statusPatch,
} from '../kube/index.ts';
import {
  type NodeMountIntent,
  type NodeMountSituation,
  planNodeMount,
} from '../plan/node-mount.ts';
import type { Answer, Capacity } from '../plan/node-mount-facts.ts';
import type { NodeMountPlan, Step } from '../plan/node-mount-step.ts';
import { formatTime } from '../runtime/clock.ts';
import { messageOf, PoolkeeperError } from '../runtime/errors.ts';
import type { Runtime } from '../runtime/index.ts';
import { applyStep, type StepContext } from './apply/index.ts';
import type { DeviceClaims } from './claims.ts';
import { CommandRunner } from './command-runner.ts';
import { type CredentialsSource, noCredentials, requireKeys, secretsIn } from './credentials.ts';
import { readCapacity } from './filesystems.ts';
import { gather } from './gather/index.ts';
import type { HostPort } from './host-port.ts';
import { intentOf, ownerOf } from './intent/index.ts';
import type { Job, Jobs } from './jobs.ts';
import type { Journal } from './journal.ts';
import { pathTakenBy } from './mount-paths.ts';
import { MountProber } from './mount-prober.ts';
import type { PreflightResult } from './preflight.ts';
import { stepEvents, stepProgress } from './progress.ts';
import { buildStatus, completesInitialSync, type Observation } from './status.ts';
import { unsupportedStatus } from './status-conditions.ts';
import { StatusPace } from './status-pace.ts';

export interface ReconcilerOptions {
  readonly runtime: Runtime;
  readonly host: HostPort;
  readonly client: KubeClient;
  readonly mounts: Store<NodeMount>;
  readonly journal: Journal;
  readonly claims: DeviceClaims;
  readonly jobs: Jobs;
  readonly events: EventRecorder;
  readonly nodeName: string;
  readonly root: string;
  readonly preflight: () => PreflightResult;
  readonly publishClaims: () => Promise<void>;
  /** Absent: mounts that need credentials fail in words. */
  readonly credentials?: CredentialsSource | undefined;
  /** Puts the object back into the queue. */
  readonly enqueue: (key: Key) => void;
}

/** How often a settled mount is looked at, and how often one that is syncing or stuck. */
const SETTLED_MILLISECONDS = 30_000;
const SYNCING_MILLISECONDS = 5000;
const REFUSED_MILLISECONDS = 15_000;
const JOB_LOOK_MILLISECONDS = 2000;
const BACKOFF_FIRST_MILLISECONDS = 1000;
const BACKOFF_MAX_MILLISECONDS = 5 * 60_000;

/** A killed process that is still there after this long sleeps uninterruptibly. */
const STUCK_MILLISECONDS = 10_000;

/** A step that failed, until it succeeds or nobody wants it any more; other steps go on meanwhile. */
interface Attempts {
  readonly step: Step['type'];
  readonly isCleanup: boolean;
  readonly count: number;
  readonly error: unknown;
  readonly notBefore: number;
}

export class NodeMountReconciler {
  readonly #options: ReconcilerOptions;
  readonly #attempts = new Map<string, Attempts>();
  readonly #situations = new Map<string, NodeMountSituation>();
  readonly #pace: StatusPace;
  readonly #prober: MountProber;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
    this.#prober = new MountProber(options.runtime.clock);
    this.#pace = new StatusPace(options.runtime.clock);
  }

  async reconcile(key: Key): Promise<Result> {
    const { mounts, nodeName, root, journal } = this.#options;
    const mount = mounts.byKey(key);
    if (!mount || mount.spec.nodeName !== nodeName) return this.#forgetGone(key);
    const { uid } = mount.metadata;
    const intent = intentOf(mount, root, pathTakenBy(mount, mounts.list(), { journal, root }));
    if (!intent) return this.#reportUnsupported(mount);
    const job = this.#options.jobs.get(uid);
    if (job) return this.#watchJob(mount, intent.isDeleting, job);
    this.#noteOutcome(uid, intent.isDeleting);
    const situation = await this.#look(mount, intent);
    this.#situations.set(uid, situation);
    const plan = planNodeMount(situation);
    const wait = this.#backoffOf(uid, plan);
    if (plan.type === 'step' && wait <= 0) this.#start(mount, plan.step);
    if (plan.type !== 'step') this.#attempts.delete(uid);
    await this.#report(mount, plan, situation);
    if (plan.type === 'step' && wait > 0)
      return { type: 'wait', afterMilliseconds: wait, why: 'back-off after a failure' };
    return this.#next(plan, situation);
  }

  #look(mount: DeepReadonly<NodeMount>, intent: NodeMountIntent) {
    const { host, journal, claims, preflight, jobs } = this.#options;
    const { uid } = mount.metadata;
    const isCreatingElsewhere = jobs.isCreatingElsewhere(uid);
    return gather(intent, uid, {
      host,
      journal,
      claims,
      preflight: preflight(),
      isCreatingElsewhere,
      prober: this.#prober,
      clock: this.#options.runtime.clock,
    });
  }

  /** The object is gone from the API server: all that may remain is a finished journal entry. */
  async #forgetGone(key: Key): Promise<Result> {
    const { journal, jobs, runtime } = this.#options;
    const entries = journal
      .entries()
      .filter(({ namespace, name }) => `${namespace}/${name}` === key);
    for (const entry of entries) {
      jobs.forget(entry.uid);
      this.#attempts.delete(entry.uid);
      this.#situations.delete(entry.uid);
      if (entry.cleanedUp) await journal.remove(entry.uid);
      else
        runtime.log.warn('A NodeMount vanished before it was cleaned up; its storage stays.', {
          key,
          uid: entry.uid,
        });
    }
    return { type: 'done' };
  }

  /**
   * Nothing is probed while a command works on the disks: opening one exclusively at the wrong
   * moment would make that command fail. What was seen before the step is reported.
   */
  async #watchJob(mount: DeepReadonly<NodeMount>, isDeleting: boolean, job: Job): Promise<Result> {
    const now = this.#options.runtime.clock.monotonic();
    if (isDeleting && !job.isCleanup) job.abort(now);
    const situation = this.#situations.get(mount.metadata.uid);
    const age = job.abortedAtMilliseconds === undefined ? 0 : now - job.abortedAtMilliseconds;
    const plan: NodeMountPlan =
      age > STUCK_MILLISECONDS ? stuck(job.step) : { type: 'step', step: job.step };
    if (situation) await this.#report(mount, plan, situation);
    return { type: 'wait', afterMilliseconds: JOB_LOOK_MILLISECONDS, why: 'a step is running' };
  }

  /** Nothing was ever made of it, so there is nothing to undo either. */
  async #reportUnsupported(mount: DeepReadonly<NodeMount>): Promise<Result> {
    const { client, runtime } = this.#options;
    const status = unsupportedStatus(mount, formatTime(runtime.clock.now()));
    const patch = statusPatch(mount, status);
    if (patch) await mergeStatus(client, nodeMounts, mount, patch);
    return { type: 'done' };
  }

  /** For so many milliseconds the step is not tried again. */
  #backoffOf(uid: string, plan: NodeMountPlan): number {
    const attempts = this.#attempts.get(uid);
    if (plan.type !== 'step' || attempts?.step !== plan.step.type) return 0;
    return attempts.notBefore - this.#options.runtime.clock.monotonic();
  }

  #noteOutcome(uid: string, isDeleting: boolean): void {
    const { jobs, runtime } = this.#options;
    if (this.#attempts.get(uid)?.isCleanup === !isDeleting) this.#attempts.delete(uid);
    const outcome = jobs.takeOutcome(uid);
    if (!outcome) return;
    const { isCleanup } = outcome;
    const { type } = outcome.step;
    const before = this.#attempts.get(uid);
    // What was undone in between does not make a failing step a new one.
    const isSame = before?.step === type;
    if (outcome.aborted || (outcome.error === undefined && isSame)) this.#attempts.delete(uid);
    if (outcome.aborted || outcome.error === undefined) return;
    const count = (isSame ? before.count : 0) + 1;
    const isAtOnce = outcome.error instanceof PoolkeeperError && outcome.error.retry === 'now';
    const backoff = Math.min(
      BACKOFF_FIRST_MILLISECONDS * 2 ** (count - 1),
      BACKOFF_MAX_MILLISECONDS,
    );
    const notBefore = runtime.clock.monotonic() + (isAtOnce && count === 1 ? 0 : backoff);
    this.#attempts.set(uid, { step: type, isCleanup, count, error: outcome.error, notBefore });
  }

  #start(mount: DeepReadonly<NodeMount>, step: Step): void {
    const { jobs, runtime, enqueue, events, host, journal, claims, publishClaims } = this.#options;
    const { namespace, name, uid } = mount.metadata;
    const isCleanup = mount.metadata.deletionTimestamp !== undefined;
    const owner = ownerOf(mount);
    const { clock } = runtime;
    jobs.start(
      uid,
      { step, isCleanup, startedAtMilliseconds: clock.monotonic() },
      {
        run: async (signal) => {
          const runner = new CommandRunner({ host, journal, clock, owner, signal });
          const confirmIntent = (): Promise<void> => this.#confirmIntent(mount, isCleanup);
          const fetchCredentials: StepContext['fetchCredentials'] = async (keys) => {
            const values = await (this.#options.credentials ?? noCredentials).fetch(owner, signal);
            runner.conceal(secretsIn(values));
            return requireKeys(values, keys);
          };
          const common = { runner, journal, claims, owner, clock };
          await applyStep(step, { ...common, publishClaims, confirmIntent, fetchCredentials });
          runtime.log.info('Step done.', { key: `${namespace}/${name}`, step: step.type });
        },
        ended: () => {
          const outcome = jobs.peekOutcome(uid);
          const event = stepEvents[step.type];
          if (outcome?.error !== undefined && !outcome.aborted)
            events.event(mount, 'Warning', 'StepFailed', step.type, messageOf(outcome.error));
          else if (outcome?.error === undefined && event)
            events.event(mount, 'Normal', event, step.type, stepProgress(step).message);
          enqueue(`${namespace}/${name}`);
        },
      },
    );
  }

  /** Destructive work asks the API server itself: a cache may be hours old without knowing it. */
  async #confirmIntent(mount: DeepReadonly<NodeMount>, isCleanup: boolean): Promise<void> {
    const { namespace, name, uid } = mount.metadata;
    const live = await this.#options.client.get(nodeMounts, { namespace, name });
    const isDeleting = live?.metadata.deletionTimestamp !== undefined;
    if (live?.metadata.uid === uid && isDeleting === isCleanup) return;
    throw new PoolkeeperError('Progressing', 'The object has changed meanwhile.', { retry: 'now' });
  }

  async #report(
    mount: DeepReadonly<NodeMount>,
    plan: NodeMountPlan,
    situation: NodeMountSituation,
  ): Promise<void> {
    const { host, journal, runtime, client } = this.#options;
    const { uid } = mount.metadata;
    const attempts = this.#attempts.get(uid);
    const isMounted = situation.facts.mountPoint.mounts.some(({ isOurs }) => isOurs);
    const capacity =
      'answer' in situation.facts
        ? capacityIn(situation.facts.answer)
        : plan.type === 'settled' && isMounted
          ? await readCapacity(host, situation.facts.mountPoint.path)
          : undefined;
    const observe = (): Observation => ({
      mount,
      plan,
      situation,
      entry: journal.get(uid),
      attempts: attempts?.count ?? 0,
      ...(attempts && { error: attempts.error }),
      capacity,
      nowMilliseconds: runtime.clock.now(),
    });
    const owner = ownerOf(mount);
    if (completesInitialSync(observe()))
      await journal.update(owner, { initialSyncCompletedAt: formatTime(runtime.clock.now()) });
    const kept = plan.type === 'cleanedUp' ? plan.kept : undefined;
    if (plan.type === 'cleanedUp' && journal.get(uid) && !journal.get(uid)?.cleanedUp)
      await journal.update(owner, { cleanedUp: kept === undefined ? {} : { kept } });
    const status = buildStatus(observe());
    if (!this.#pace.isDue(uid, mount.status, status)) return;
    const patch = statusPatch(mount, status);
    if (!patch) return;
    try {
      await mergeStatus(client, nodeMounts, mount, patch);
      this.#pace.written(uid);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  #next(plan: NodeMountPlan, situation: NodeMountSituation): Result {
    if (plan.type === 'cleanedUp') return { type: 'done' };
    if (plan.type === 'step')
      return { type: 'wait', afterMilliseconds: JOB_LOOK_MILLISECONDS, why: 'a step is running' };
    if (plan.type !== 'settled')
      return { type: 'wait', afterMilliseconds: REFUSED_MILLISECONDS, why: plan.message };
    const array = 'array' in situation.facts ? situation.facts.array : undefined;
    const isSyncing = array?.syncPercent !== undefined;
    return {
      type: 'wait',
      afterMilliseconds: isSyncing ? SYNCING_MILLISECONDS : SETTLED_MILLISECONDS,
      why: 'the next look',
    };
  }
}

function capacityIn(answer: Answer): Capacity | undefined {
  return answer.type === 'answers' ? answer.capacity : undefined;
}

function stuck(step: Step): NodeMountPlan {
  const message =
    `A command was killed but does not end (${stepProgress(step).step}): the kernel waits for a ` +
    'device that does not answer. The disks stay reserved; cleaning up goes on once it has ended.';
  return { type: 'blocked', reason: 'CleanupBlocked', message };
}
