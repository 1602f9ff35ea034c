// One leader among several processes, by a Lease that the leader keeps renewing.
//
// A lease is a matter of performance, not of safety: two processes may briefly both believe to
// lead, so everything dangerous is decided by compare-and-swap on the object concerned. What this
// file promises: a leader that can't renew stops by itself before anyone else may take over, as
// long as monotonic clocks run at about the same rate; wall clocks may be wrong.

import { formatMicroTime, sleep } from '../runtime/clock.ts';
import { messageOf, PoolkeeperError } from '../runtime/errors.ts';
import type { Runtime } from '../runtime/index.ts';
import type { Log } from '../runtime/log.ts';
import type { CounterMetric, GaugeMetric } from '../runtime/metrics.ts';
import { isAlreadyExists, isConflict } from './errors.ts';
import type { LeaseRecord, LeaseStore, StoredLease } from './lease-store.ts';

export interface LeaderElectionOptions {
  readonly runtime: Runtime;
  readonly leases: LeaseStore;
  /** For logs and metrics: the lease's name. */
  readonly name: string;
  /** Unique per process: host name and a random part. */
  readonly identity: string;
  /** How long others wait after the last renewal they saw. Default 15 s. */
  readonly leaseMilliseconds?: number;
  /** How long the leader tries to renew before it stops. Default 10 s. */
  readonly renewDeadlineMilliseconds?: number;
  /** Default 2 s. */
  readonly retryMilliseconds?: number;
  /** Called when leadership is won. */
  readonly onStartedLeading: () => void;
  /** Called when leadership is lost or given up. After a loss the process should exit. */
  readonly onStoppedLeading: (cause: 'lost' | 'released') => void;
}

export interface LeaderElection {
  isLeader(): boolean;
  /** On the monotonic clock: nothing dangerous may start at or after this. 0 when not leading. */
  leaderUntil(): number;
  /** Who leads as far as is known; empty when nobody does. */
  leader(): string;
  /** The lease may be free: who waits for it asks at once, and not when its turn comes. */
  look(): void;
  /**
   * Stops taking part and gives the lease back, so that another may take it at once: stop the
   * work that needs leadership first.
   */
  stop(): Promise<void>;
}

const JITTER = 1.2;

export function runLeaderElection(options: LeaderElectionOptions): LeaderElection {
  return new Elector(options);
}

class Elector implements LeaderElection {
  readonly #options: LeaderElectionOptions;
  readonly #runtime: Runtime;
  readonly #log: Log;
  readonly #status: GaugeMetric;
  readonly #slowPath: CounterMetric;
  readonly #lease: number;
  readonly #renewDeadline: number;
  readonly #retry: number;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;
  #wake: () => void = () => {};
  #observed: StoredLease | undefined;
  /** Monotonic time of the last change of the record: what expiry is judged by. */
  #observedAt = 0;
  #leading = false;
  #lost = false;
  #cancelGuard: () => void = () => {};
  /** Monotonic time at which the last successful renewal was sent. */
  #renewedAt = 0;

  constructor(options: LeaderElectionOptions) {
    const { runtime } = options;
    this.#options = options;
    this.#runtime = runtime;
    this.#log = runtime.log.child({ lease: options.name, identity: options.identity });
    this.#status = runtime.metrics.gauge('leader_election_master_status', '1 while leading.', [
      'name',
    ]);
    this.#slowPath = runtime.metrics.counter(
      'leader_election_slowpath_total',
      'Renewals that needed to read the lease first.',
      ['name'],
    );
    this.#lease = options.leaseMilliseconds ?? 15_000;
    this.#renewDeadline = options.renewDeadlineMilliseconds ?? 10_000;
    this.#retry = options.retryMilliseconds ?? 2000;
    if (!(this.#lease > this.#renewDeadline && this.#renewDeadline > this.#retry * JITTER))
      throw new PoolkeeperError(
        'LeaderElectionTimings',
        'the lease must outlast the renew deadline, and that the retry period',
        { retry: 'never' },
      );
    this.#status.set(0, { name: options.name });
    this.#running = this.#run();
  }

  isLeader(): boolean {
    return this.#leading && this.#runtime.clock.monotonic() < this.leaderUntil();
  }

  leaderUntil(): number {
    return this.#leading ? this.#renewedAt + this.#renewDeadline : 0;
  }

  leader(): string {
    return this.#observed?.record.holderIdentity ?? '';
  }

  look(): void {
    if (!this.#leading) this.#wake();
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new PoolkeeperError('Stopping', 'leader election is stopping'));
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    const { random } = this.#runtime;
    while (!signal.aborted) {
      await this.#attempt();
      // Leaders renew evenly; those who wait spread out, so that not all try at once.
      const spread = this.#leading ? 1 : 1 + (JITTER - 1) * random.next();
      await this.#rest(this.#retry * spread);
    }
    await this.#release();
  }

  /** Until the time is over, somebody says `look`, or it stops. */
  async #rest(milliseconds: number): Promise<void> {
    const woken = new AbortController();
    const wake = (): void => woken.abort();
    this.#wake = wake;
    this.#stopping.signal.addEventListener('abort', wake, { once: true });
    if (!this.#stopping.signal.aborted)
      await sleep(this.#runtime.clock, milliseconds, woken.signal).catch(() => {});
    this.#stopping.signal.removeEventListener('abort', wake);
    this.#wake = () => {};
  }

  /** Takes or renews the lease if it may. */
  async #attempt(): Promise<void> {
    const startedAt = this.#runtime.clock.monotonic();
    try {
      if (!(await this.#tryToHold())) return;
    } catch (error) {
      const raced = isConflict(error) || isAlreadyExists(error);
      const detail = messageOf(error);
      if (raced) this.#log.debug('lost a race for the lease');
      else this.#log.warn('could not reach the lease', { detail, leading: this.#leading });
      return;
    }
    if (this.#stopping.signal.aborted) return;
    this.#renewedAt = startedAt;
    this.#guard();
    if (this.#leading) return;
    this.#leading = true;
    this.#status.set(1, { name: this.#options.name });
    this.#log.info('leading');
    this.#options.onStartedLeading();
  }

  async #tryToHold(): Promise<boolean> {
    const { leases } = this.#options;
    const known = this.#observed;
    // The holder renews by what it knows; only if that is refused does it have to look.
    if (this.#leading && known && this.#isOurs(known)) {
      try {
        this.#observe(await leases.update(this.#record(known), known.resourceVersion));
        return true;
      } catch (error) {
        if (!isConflict(error)) throw error;
        this.#slowPath.increment({ name: this.#options.name });
      }
    }
    const stored = await leases.get();
    if (!stored) {
      this.#observe(await leases.create(this.#record(undefined)));
      return true;
    }
    this.#observe(stored);
    if (!this.#isOurs(stored) && !this.#isFree(stored)) {
      if (this.#leading) this.#lose();
      return false;
    }
    this.#observe(await leases.update(this.#record(stored), stored.resourceVersion));
    return true;
  }

  #isOurs(lease: StoredLease): boolean {
    return lease.record.holderIdentity === this.#options.identity;
  }

  /** Judged by our own clock since we last saw the record change, never by the times in it. */
  #isFree(lease: StoredLease): boolean {
    if (!lease.record.holderIdentity) return true;
    const duration = lease.record.leaseDurationSeconds * 1000 || this.#lease;
    return this.#runtime.clock.monotonic() >= this.#observedAt + duration;
  }

  #observe(lease: StoredLease): void {
    if (this.#observed?.resourceVersion === lease.resourceVersion) return;
    const before = this.leader();
    this.#observed = lease;
    this.#observedAt = this.#runtime.clock.monotonic();
    if (before !== this.leader()) this.#log.info('the leader is', { leader: this.leader() });
  }

  #record(current: StoredLease | undefined): LeaseRecord {
    const now = formatMicroTime(this.#runtime.clock.now());
    const before = current?.record;
    const kept = before && this.#isOurs(current);
    return {
      holderIdentity: this.#options.identity,
      leaseDurationSeconds: Math.ceil(this.#lease / 1000),
      acquireTime: kept ? (before.acquireTime ?? now) : now,
      renewTime: now,
      leaseTransitions: before ? before.leaseTransitions + (kept ? 0 : 1) : 0,
    };
  }

  /** Ends leadership on time even while a call hangs; late timers are covered by isLeader. */
  #guard(): void {
    const { clock } = this.#runtime;
    this.#cancelGuard();
    const left = this.#renewedAt + this.#renewDeadline - clock.monotonic();
    this.#cancelGuard = clock.schedule(left, () => {
      if (this.#leading) this.#lose();
    });
  }

  /** For good: what was in progress can't be told apart any more, so the process should end. */
  #lose(): void {
    this.#lost = true;
    this.#log.error('leadership is lost');
    this.#stopLeading('lost');
    this.#stopping.abort(new PoolkeeperError('LeadershipLost', 'leadership is lost'));
  }

  #stopLeading(cause: 'lost' | 'released'): void {
    this.#cancelGuard();
    this.#leading = false;
    this.#status.set(0, { name: this.#options.name });
    this.#options.onStoppedLeading(cause);
  }

  /** Also when stopped while taking it. After a loss others wait: our work may not have ended. */
  async #release(): Promise<void> {
    if (this.#leading) this.#stopLeading('released');
    const known = this.#observed;
    if (this.#lost || !known || !this.#isOurs(known)) return;
    try {
      const record = { ...this.#record(known), holderIdentity: '', leaseDurationSeconds: 1 };
      await this.#options.leases.update(record, known.resourceVersion);
      this.#log.info('gave the lease back');
    } catch (error) {
      this.#log.warn('could not give the lease back', { detail: messageOf(error) });
    }
  }
}
