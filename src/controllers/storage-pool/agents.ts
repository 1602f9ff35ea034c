// Which agents are alive. Each renews its Lease; what counts is when this process last saw it change,
// on its own clock, so that clocks that disagree can't make an agent look dead, or a dead one alive.
import type { Lease } from '../../api/built-in.ts';
import type { DeepReadonly } from '../../api/object.ts';
import type { Store } from '../../kube/index.ts';
import type { AgentSeen } from '../../plan/storage-pool-children.ts';
import type { Clock } from '../../runtime/clock.ts';

export interface Agents {
  stateOf(nodeName: string): AgentSeen;
  /** Calls back when an agent falls silent, is heard again, or loses its Lease. */
  subscribe(listener: (nodeName: string) => void): () => void;
  stop(): void;
}

const LEASE_PREFIX = 'poolkeeper-agent-';
/** For a Lease that doesn't say: four missed beats of ten seconds. */
const LEASE_SECONDS = 40;

interface Heard {
  renewTime: string | undefined;
  atMilliseconds: number;
  durationMilliseconds: number;
  isSilent: boolean;
  cancel: () => void;
}

export function trackAgents(leases: Store<Lease>, clock: Clock): Agents {
  return new LeaseTracker(leases, clock);
}

class LeaseTracker implements Agents {
  readonly #clock: Clock;
  readonly #heard = new Map<string, Heard>();
  readonly #listeners = new Set<(nodeName: string) => void>();
  readonly #unsubscribe: () => void;

  constructor(leases: Store<Lease>, clock: Clock) {
    this.#clock = clock;
    for (const lease of leases.list()) this.#take(lease);
    this.#unsubscribe = leases.subscribe((type, lease) => {
      if (type === 'delete') this.#forget(lease);
      else this.#take(lease);
    });
  }

  stateOf(nodeName: string): AgentSeen {
    const heard = this.#heard.get(nodeName);
    if (!heard) return { state: 'absent' };
    if (!heard.isSilent) return { state: 'ready' };
    return { state: 'silent', lastRenewedAt: heard.renewTime };
  }

  subscribe(listener: (nodeName: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  stop(): void {
    this.#unsubscribe();
    for (const { cancel } of this.#heard.values()) cancel();
  }

  #take({ metadata, spec }: DeepReadonly<Lease>): void {
    if (!metadata.name.startsWith(LEASE_PREFIX)) return;
    const nodeName = metadata.name.slice(LEASE_PREFIX.length);
    const known = this.#heard.get(nodeName);
    if (known && known.renewTime === spec?.renewTime) return;
    const atMilliseconds = this.#clock.monotonic();
    const durationMilliseconds = (spec?.leaseDurationSeconds ?? LEASE_SECONDS) * 1000;
    const renewTime = spec?.renewTime;
    if (known && !known.isSilent) {
      // The timer stands: when it fires, it looks how much of the time is left.
      Object.assign(known, { renewTime, atMilliseconds, durationMilliseconds });
      return;
    }
    const heard: Heard = {
      renewTime,
      atMilliseconds,
      durationMilliseconds,
      isSilent: false,
      cancel: () => {},
    };
    this.#heard.set(nodeName, heard);
    this.#watch(nodeName, heard, durationMilliseconds);
    this.#tell(nodeName);
  }

  #watch(nodeName: string, heard: Heard, afterMilliseconds: number): void {
    heard.cancel = this.#clock.schedule(afterMilliseconds, () => {
      const left = heard.atMilliseconds + heard.durationMilliseconds - this.#clock.monotonic();
      if (left > 0) return this.#watch(nodeName, heard, left);
      heard.isSilent = true;
      this.#tell(nodeName);
    });
  }

  #forget({ metadata }: DeepReadonly<Lease>): void {
    const nodeName = metadata.name.slice(LEASE_PREFIX.length);
    if (!metadata.name.startsWith(LEASE_PREFIX)) return;
    this.#heard.get(nodeName)?.cancel();
    if (this.#heard.delete(nodeName)) this.#tell(nodeName);
  }

  #tell(nodeName: string): void {
    for (const listener of this.#listeners) listener(nodeName);
  }
}
