// The load that benches put on a pool: claims created, seen to be bound and Ready, and released; each
// moment as a client sees it, from its own watch.
import type { InstanceClaim } from '../../src/api/instance-claim.ts';
import { instanceClaims, instancePools } from '../../src/api/resources.ts';
import { sleep } from '../../src/runtime/clock.ts';
import { eventually } from '../builders/eventually.ts';
import { instanceTemplate } from '../builders/pools.ts';
import { type OperatorProcess, type Stage, sumOf } from './stage.ts';

const apiVersion = 'poolkeeper.dev/v1alpha1';
export const namespace = 'bench';
const PATIENCE_SECONDS = 600;

export interface ClaimTimes {
  askedAt: number;
  /** The API server has answered the creation. */
  createdAt?: number;
  boundAt?: number;
  readyAt?: number;
  goneAt?: number;
  instance?: string;
}

export class Load {
  readonly times = new Map<string, ClaimTimes>();
  readonly #stage: Stage;
  readonly #stopping = new AbortController();
  readonly #watching: Promise<void>;

  constructor(stage: Stage) {
    const { kubernetes, runtime } = stage;
    this.#stage = stage;
    const claims = kubernetes.caches.add(instanceClaims, { namespace });
    claims.subscribe((type, { metadata, status }) => {
      const times = this.times.get(metadata.name);
      if (!times) return;
      const now = runtime.clock.monotonic();
      if (status?.boundAt !== undefined) times.boundAt ??= now;
      if (status?.phase === 'Ready') times.readyAt ??= now;
      if (status?.instance) times.instance = status.instance.uid;
      if (type === 'delete') times.goneAt ??= now;
    });
    this.#watching = kubernetes.caches.start(this.#stopping.signal);
  }

  ready(): Promise<void> {
    return this.#stage.kubernetes.caches.whenSynced();
  }

  async createPool(name: string, free: number, spec: object = {}): Promise<void> {
    await this.#stage.kubernetes.client.create(instancePools, {
      apiVersion,
      kind: 'InstancePool',
      metadata: { name, namespace },
      spec: {
        template: instanceTemplate,
        scaling: { minFree: free, maxFree: free, maxTotal: 2 * free },
        ...spec,
      },
    } as object);
    await this.untilFree(name, free);
  }

  untilFree(name: string, free: number): Promise<unknown> {
    const { client } = this.#stage.kubernetes;
    return eventually(
      `${free} machines of ${name} are free`,
      async () => {
        const pool = await client.get(instancePools, { namespace, name });
        await sleep(this.#stage.runtime.clock, 100);
        return (pool?.status?.free ?? 0) >= free;
      },
      { withinSeconds: PATIENCE_SECONDS },
    );
  }

  /** A paused pool does not refill, so that only claims are measured. */
  async pause(name: string, paused = true): Promise<void> {
    const { client } = this.#stage.kubernetes;
    await client.mergePatch(instancePools, { namespace, name }, { spec: { paused } });
  }

  async claim(name: string, pool: string, spec: object = {}): Promise<void> {
    const { kubernetes, runtime } = this.#stage;
    const times: ClaimTimes = { askedAt: runtime.clock.monotonic() };
    this.times.set(name, times);
    await kubernetes.client.create<InstanceClaim>(instanceClaims, {
      apiVersion,
      kind: 'InstanceClaim',
      metadata: { name, namespace },
      spec: { instancePoolRef: { name: pool }, ...spec },
    } as object);
    times.createdAt = runtime.clock.monotonic();
  }

  release(name: string): Promise<unknown> {
    return this.#stage.kubernetes.client.delete(instanceClaims, { namespace, name });
  }

  async untilAll(
    moment: 'boundAt' | 'readyAt' | 'goneAt',
    { withinSeconds = PATIENCE_SECONDS } = {},
  ): Promise<void> {
    const missing = (): number => [...this.times.values()].filter((one) => !one[moment]).length;
    await eventually(`all claims have ${moment}`, () => missing() === 0, {
      withinSeconds,
      because: () => `${missing()} of ${this.times.size} have not`,
    });
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#watching;
  }
}

export interface Cost {
  readonly operatorMilliseconds: number;
  readonly serverMilliseconds: number;
  readonly writes: number;
  readonly reads: number;
  readonly reconciles: number;
  readonly azureCalls: number;
}

/** What the operator and the server have spent so far. */
export async function costOf(stage: Stage, operator: OperatorProcess): Promise<Cost> {
  const metrics = await operator.metrics();
  const requests = (method: string): number =>
    sumOf(metrics, 'rest_client_requests_total', `method="${method}"`);
  return {
    operatorMilliseconds: operator.processorMilliseconds(),
    serverMilliseconds: stage.server.processorMilliseconds(),
    writes: requests('PATCH') + requests('POST') + requests('DELETE') + requests('PUT'),
    reads: requests('GET'),
    reconciles: sumOf(metrics, 'controller_runtime_reconcile_total'),
    azureCalls: sumOf(metrics, 'poolkeeper_azure_requests_total'),
  };
}

export function reportCost(what: string, before: Cost, after: Cost, claims: number): void {
  const each = (field: keyof Cost): string => ((after[field] - before[field]) / claims).toFixed(2);
  console.log(
    `${what}, per claim: operator ${each('operatorMilliseconds')} ms CPU, ` +
      `server ${each('serverMilliseconds')} ms CPU, ${each('reconciles')} reconciles, ` +
      `${each('writes')} writes, ${each('reads')} reads, ${each('azureCalls')} calls to Azure`,
  );
}

export function describe(what: string, milliseconds: readonly number[]): void {
  const sorted = [...milliseconds].sort((one, other) => one - other);
  const at = (share: number): string =>
    (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(0);
  console.log(
    `${what}: p50 ${at(0.5)} ms, p90 ${at(0.9)} ms, p99 ${at(0.99)} ms, worst ${at(1)} ms`,
  );
}
