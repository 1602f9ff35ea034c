// One NodeMount of this node: look, plan, start the next step, report. Steps run in the background;
// when one ends, the object is looked at anew.
import type { NodeMount } from '../api/node-mount.ts';
import type { DeepReadonly } from '../api/object.ts';
import { nodeMounts } from '../api/resources.ts';
import type { EventRecorder } from '../kube/events.ts';
import { isEqual, type Key, type KubeClient, type Result, type Store } from '../kube/index.ts';
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
import { Abandoned, ghostOf, isGhost } from './abandoned.ts';
import { applyStep, type StepContext } from './apply/index.ts';
import { Attempts } from './attempts.ts';
import type { DeviceClaims } from './claims.ts';
import { CommandRunner } from './command-runner.ts';
import { type CredentialsSource, noCredentials, requireKeys, secretsIn } from './credentials.ts';
import { readCapacity } from './filesystems.ts';
import { gather } from './gather/index.ts';
import type { HostPort } from './host-port.ts';
import { intentOf, ownerOf } from './intent/index.ts';
import type { Job, Jobs } from './jobs.ts';
import type { Journal, JournalEntry } from './journal.ts';
import { pathTakenBy } from './mount-paths.ts';
import { MountProber } from './mount-prober.ts';
import type { PreflightResult } from './preflight.ts';
import { stepEvents, stepProgress } from './progress.ts';
import { buildStatus, completesInitialSync, type Observation } from './status.ts';
import { StatusPace } from './status-pace.ts';
import { HELPLESS_MILLISECONDS, LookFailed, StatusWriter } from './status-writer.ts';

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

/** A killed process that is still there after this long sleeps uninterruptibly. */
const STUCK_MILLISECONDS = 10_000;

export class NodeMountReconciler {
  readonly #options: ReconcilerOptions;
  readonly #attempts: Attempts;
  readonly #abandoned: Abandoned;
  readonly #writer: StatusWriter;
  readonly #situations = new Map<string, NodeMountSituation>();
  readonly #pace: StatusPace;
  readonly #prober: MountProber;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
    this.#prober = new MountProber(options.runtime.clock);
    this.#pace = new StatusPace(options.runtime.clock);
    this.#attempts = new Attempts(options.runtime.clock);
    const { runtime, client, journal } = options;
    this.#writer = new StatusWriter({ runtime, client, journal, pace: this.#pace });
    const { clock } = runtime;
    this.#abandoned = new Abandoned({ clock, journal: options.journal, claims: options.claims });
  }

  /** What was left by earlier lives and may be gone from the cluster; to be reconciled at the start. */
  remembered(): Key[] {
    return this.#abandoned.keys();
  }

  async reconcile(key: Key): Promise<Result> {
    const { mounts, nodeName } = this.#options;
    const found = mounts.byKey(key);
    const mount = found?.spec.nodeName === nodeName ? found : undefined;
    const beside = this.#abandoned.entriesBeside(key, mount?.metadata.uid);
    const results: Result[] = [];
    for (const entry of beside) results.push(await this.#undoAbandoned(entry));
    if (mount) results.push(await this.#pass(mount));
    return soonest(results);
  }

  async #pass(mount: DeepReadonly<NodeMount>): Promise<Result> {
    const { mounts, root, journal } = this.#options;
    const { uid } = mount.metadata;
    const intent = intentOf(mount, root, pathTakenBy(mount, mounts.list(), { journal, root }));
    if (!intent) return this.#writer.reportUnsupported(mount);
    const refusal = journal.refusal(uid);
    if (refusal !== undefined) return this.#writer.reportRefusal(mount, refusal);
    const job = this.#options.jobs.get(uid);
    if (job) return this.#watchJob(mount, intent.isDeleting, job);
    this.#attempts.note(uid, intent.isDeleting, this.#options.jobs.takeOutcome(uid));
    try {
      const result = await this.#lookAndPlan(mount, intent);
      this.#writer.noteSuccess(uid);
      return result;
    } catch (error) {
      await this.#writer.reportTrouble(mount, error);
      throw error;
    }
  }

  async #lookAndPlan(mount: DeepReadonly<NodeMount>, intent: NodeMountIntent): Promise<Result> {
    const { uid } = mount.metadata;
    await this.#rememberSpec(mount);
    const situation = await this.#look(mount, intent).catch((cause) => {
      throw new LookFailed(cause);
    });
    this.#situations.set(uid, situation);
    const plan = planNodeMount(situation);
    const wait = this.#attempts.waitOf(uid, plan);
    if (plan.type === 'step' && wait <= 0) this.#start(mount, plan.step);
    if (plan.type !== 'step') this.#attempts.forget(uid);
    await this.#report(mount, plan, situation);
    if (plan.type === 'step' && wait > 0)
      return { type: 'wait', afterMilliseconds: wait, why: 'back-off after a failure' };
    return this.#next(plan, situation);
  }

  /** Of what is on the node already; by it that can be undone when the record is gone. */
  async #rememberSpec(mount: DeepReadonly<NodeMount>): Promise<void> {
    const { journal } = this.#options;
    const entry = journal.get(mount.metadata.uid);
    if (!entry || entry.cleanedUp || isGhost(mount) || isEqual(entry.spec, mount.spec)) return;
    await journal.update(ownerOf(mount), { spec: mount.spec });
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

  /** The object is gone from the API server; its storage is not, unless it was undone before. */
  async #undoAbandoned(entry: JournalEntry): Promise<Result> {
    const { journal, jobs, claims } = this.#options;
    const { uid, namespace, name, cleanedUp } = entry;
    if (cleanedUp) {
      for (const one of [this.#attempts, this.#abandoned, jobs]) one.forget(uid);
      this.#situations.delete(uid);
      claims.release(uid);
      await journal.remove(uid);
      return { type: 'done' };
    }
    const wait = this.#abandoned.waitOf(entry);
    if (wait > 0) return { type: 'wait', afterMilliseconds: wait, why: 'it may come back' };
    const live = await this.#options.client.get(nodeMounts, { namespace, name });
    if (live?.metadata.uid === uid) {
      this.#abandoned.forget(uid);
      return { type: 'wait', afterMilliseconds: REFUSED_MILLISECONDS, why: 'the cache is behind' };
    }
    const ghost = ghostOf(entry);
    const result = ghost ? await this.#pass(ghost) : this.#giveUp(entry);
    const after = journal.get(uid);
    return after?.cleanedUp ? this.#undoAbandoned(after) : result;
  }

  #giveUp({ uid, namespace, name }: JournalEntry): Result {
    const message = 'Nothing tells any more what was asked for: undo it by hand.';
    this.#abandoned.explain(uid, message);
    this.#options.runtime.log.warn(message, { key: `${namespace}/${name}`, uid });
    return { type: 'wait', afterMilliseconds: HELPLESS_MILLISECONDS, why: message };
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
    const isThere = live?.metadata.uid === uid;
    const isDeleting = live?.metadata.deletionTimestamp !== undefined;
    if (isGhost(mount) ? !isThere : isThere && isDeleting === isCleanup) return;
    throw new PoolkeeperError('Progressing', 'The object has changed meanwhile.', { retry: 'now' });
  }

  #explainGhost(mount: DeepReadonly<NodeMount>, plan: NodeMountPlan, error: unknown): void {
    const { events, runtime } = this.#options;
    const { namespace, name, uid } = mount.metadata;
    const waits = 'message' in plan ? plan.message : error === undefined ? '' : messageOf(error);
    this.#abandoned.explain(uid, waits || 'It is being unmounted and stopped.');
    if (plan.type !== 'cleanedUp') return;
    const message =
      'The record of this mount is gone from the cluster; what was left of it on the node was ' +
      `unmounted and stopped. ${plan.kept ?? 'Nothing of it is left on the node.'}`;
    events.event(mount, 'Warning', 'LeftBehind', 'undo', message);
    runtime.log.warn(message, { key: `${namespace}/${name}`, uid });
  }

  async #report(
    mount: DeepReadonly<NodeMount>,
    plan: NodeMountPlan,
    situation: NodeMountSituation,
  ): Promise<void> {
    const { host, journal, runtime } = this.#options;
    const { uid } = mount.metadata;
    const attempts = this.#attempts.get(uid);
    if (isGhost(mount)) this.#explainGhost(mount, plan, attempts?.error);
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
    await this.#writer.write(mount, status);
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

function soonest(results: readonly Result[]): Result {
  const after = (result: Result): number =>
    result.type === 'wait' && 'afterMilliseconds' in result
      ? result.afterMilliseconds
      : Number.POSITIVE_INFINITY;
  const ordered = [...results].sort((one, other) => after(one) - after(other));
  return ordered[0] ?? { type: 'done' };
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
