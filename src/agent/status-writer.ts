// Writes the status of NodeMounts, also where there is nothing to report but that nothing can be done.
import type { NodeMount, NodeMountStatus } from '../api/node-mount.ts';
import type { DeepReadonly } from '../api/object.ts';
import { nodeMounts } from '../api/resources.ts';
import {
  isNotFound,
  type KubeClient,
  mergeStatus,
  type Result,
  statusPatch,
} from '../kube/index.ts';
import { formatTime } from '../runtime/clock.ts';
import { messageOf, PoolkeeperError } from '../runtime/errors.ts';
import type { Runtime } from '../runtime/index.ts';
import { isGhost } from './abandoned.ts';
import type { Journal } from './journal.ts';
import type { StatusPace } from './status-pace.ts';
import { troubledStatus, unsupportedStatus } from './status-trouble.ts';

type Mount = DeepReadonly<NodeMount>;

/** What waits for people is looked at seldom; an upgrade of the agent starts anew anyway. */
export const HELPLESS_MILLISECONDS = 5 * 60_000;
/** One look that fails may be a busy node's; two are told of. */
const TOLD_AFTER_FAILURES = 2;

/** The node could not be looked at; the cause says why. */
export class LookFailed extends Error {
  constructor(cause: unknown) {
    super(messageOf(cause), { cause });
    this.name = 'LookFailed';
  }
}

export interface StatusWriterOptions {
  readonly runtime: Runtime;
  readonly client: KubeClient;
  readonly journal: Journal;
  readonly pace: StatusPace;
}

export class StatusWriter {
  readonly #options: StatusWriterOptions;
  /** By uid: how often in a row nothing could be done. */
  readonly #failures = new Map<string, number>();

  constructor(options: StatusWriterOptions) {
    this.#options = options;
  }

  /** Only what differs, and nothing at all for an object that the cluster does not have any more. */
  async write(mount: Mount, status: Partial<NodeMountStatus>): Promise<void> {
    const patch = isGhost(mount) ? undefined : statusPatch(mount, status);
    if (!patch) return;
    try {
      await mergeStatus(this.#options.client, nodeMounts, mount, patch);
      this.#options.pace.written(mount.metadata.uid);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  async reportUnsupported(mount: Mount): Promise<Result> {
    const entry = this.#options.journal.get(mount.metadata.uid);
    const wasBegun = entry !== undefined && !entry.cleanedUp;
    await this.write(mount, unsupportedStatus(mount, { now: this.#now(), wasBegun }));
    return { type: 'done' };
  }

  async reportRefusal(mount: Mount, refusal: string): Promise<Result> {
    const error = new PoolkeeperError('JournalUnavailable', refusal);
    await this.write(mount, troubledStatus(mount, { now: this.#now(), error, isFinal: true }));
    return { type: 'wait', afterMilliseconds: HELPLESS_MILLISECONDS, why: refusal };
  }

  /** Why nothing moves is said where people look, not only in a log. */
  async reportTrouble(mount: Mount, error: unknown): Promise<void> {
    const isJournal = error instanceof PoolkeeperError && error.code === 'JournalUnavailable';
    if (!isJournal && !(error instanceof LookFailed)) return;
    const { uid } = mount.metadata;
    const count = (this.#failures.get(uid) ?? 0) + 1;
    this.#failures.set(uid, count);
    if (count < TOLD_AFTER_FAILURES) return;
    const cause = error instanceof LookFailed ? error.cause : error;
    const trouble = { now: this.#now(), error: cause, isFinal: false };
    await this.write(mount, troubledStatus(mount, trouble));
  }

  /** It could be looked at, and reported. */
  noteSuccess(uid: string): void {
    this.#failures.delete(uid);
  }

  #now(): string {
    return formatTime(this.#options.runtime.clock.now());
  }
}
