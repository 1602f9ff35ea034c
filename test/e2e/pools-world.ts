// A cluster, a cloud and an operator between them, all in this process and over real sockets; and
// the few things that stories about pools do and ask.
import assert from 'node:assert/strict';
import { namespaces } from '../../src/api/built-in.ts';
import { customResourceDefinitions } from '../../src/api/crd/index.ts';
import type { InstanceClaim } from '../../src/api/instance-claim.ts';
import type { InstancePool } from '../../src/api/instance-pool.ts';
import type { PoolInstance } from '../../src/api/pool-instance.ts';
import type { PoolVolume } from '../../src/api/pool-volume.ts';
import {
  instanceClaims,
  instancePools,
  poolInstances,
  poolVolumes,
  volumePools,
} from '../../src/api/resources.ts';
import type { VolumePool } from '../../src/api/volume-pool.ts';
import { createAzureCloud, createCredential } from '../../src/azure/index.ts';
import { type Operator, startOperator } from '../../src/cli/operator.ts';
import { type ClusterAccess, connectKubernetes, type KubeClient } from '../../src/kube/index.ts';
import {
  type FaultOrder,
  type RunningAzure,
  type SettingsOverrides,
  startSimulatedAzure,
} from '../../src/local/azure/index.ts';
import {
  type EmbeddedKubernetes,
  startEmbeddedKubernetes,
} from '../../src/local/kubernetes/index.ts';
import type { Tenancy } from '../../src/plan/tenancy.ts';
import { formatTime } from '../../src/runtime/clock.ts';
import { createRuntime, type Runtime } from '../../src/runtime/index.ts';
import { createLog } from '../../src/runtime/log.ts';
import { eventually, type Patience } from '../builders/eventually.ts';
import {
  goldenSnapshotId,
  instanceTemplate,
  location,
  resourceGroup,
  subscriptionId,
} from '../builders/pools.ts';
import { Watch } from './pools-watch.ts';

export interface WorldOptions {
  readonly speed?: number;
  readonly withOperator?: boolean;
  readonly azure?: SettingsOverrides;
  readonly dataDirectory?: string;
  /** What each namespace may name in Azure, besides what the installation itself uses. */
  readonly tenancy?: Tenancy['namespaces'];
}

const apiVersion = 'poolkeeper.dev/v1alpha1';
export const SPEED = 500;
const defaults = { subscriptionId, resourceGroup, location };

export class PoolsWorld {
  readonly runtime: Runtime;
  kubernetes: EmbeddedKubernetes;
  readonly running: RunningAzure;
  readonly client: KubeClient;
  readonly watch: Watch;
  readonly operators: Operator[] = [];
  readonly speed: number;
  readonly #closers: (() => Promise<void>)[];
  #dataDirectory: string | undefined;
  #tenancy: Tenancy['namespaces'] = {};
  readonly #tenancyListeners: (() => void)[] = [];

  private constructor(
    runtime: Runtime,
    kubernetes: EmbeddedKubernetes,
    running: RunningAzure,
    speed: number,
  ) {
    this.runtime = runtime;
    this.kubernetes = kubernetes;
    this.running = running;
    this.speed = speed;
    const to = this.#accessAs('tester');
    const connection = connectKubernetes({ runtime, to, component: 'tester' });
    this.client = connection.client;
    this.watch = new Watch(kubernetes.server, running.azure);
    this.#closers = [
      () => connection.close(),
      () => running.close(),
      () => this.kubernetes.close(),
    ];
  }

  static async start(options: WorldOptions = {}): Promise<PoolsWorld> {
    const { speed = SPEED, withOperator = true, dataDirectory } = options;
    const runtime = createRuntime({ log: createLog(logLevel()) });
    const kubernetes = await startEmbeddedKubernetes({
      runtime,
      tls: false,
      crds: customResourceDefinitions(),
      ...(dataDirectory === undefined ? {} : { dataDirectory }),
    });
    const running = await startSimulatedAzure({
      runtime,
      speed,
      throttling: { scale: speed },
      snapshots: [{ id: goldenSnapshotId, sizeGigabytes: 32, content: 'golden-v1' }],
      ...options.azure,
    });
    const world = new PoolsWorld(runtime, kubernetes, running, speed);
    world.#dataDirectory = dataDirectory;
    world.#tenancy = options.tenancy ?? {};
    await world.createNamespace('poolkeeper-system');
    await world.createNamespace('stories');
    if (withOperator) await world.startOperator();
    return world;
  }

  /** Every violation of what must always hold fails the test that caused it. */
  async stop(): Promise<void> {
    for (const operator of this.operators.splice(0)) await operator.stop();
    for (const close of this.#closers) await close();
    assert.deepEqual(this.watch.violations, []);
  }

  async startOperator(watchNamespaces: readonly string[] = []): Promise<Operator> {
    const { runtime } = this;
    const access = this.#accessAs('operator');
    const operator = startOperator({
      runtime,
      access,
      cloud: createAzureCloud({
        runtime,
        credential: await createCredential({ kind: 'Simulated' }),
        endpoint: this.running.url,
        userAgent: 'poolkeeper/test',
      }),
      namespace: 'poolkeeper-system',
      watchNamespaces,
      installation: 'test',
      defaults,
      tenancy: {
        current: () => ({ defaults, namespaces: this.#tenancy }),
        onChange: (listener) => void this.#tenancyListeners.push(listener),
      },
      pollPace: this.speed,
      identity: `operator-${this.operators.length}`,
      leaderElect: false,
      probeLoopback: true,
      onLost: () => {},
    });
    this.operators.push(operator);
    await operator.working;
    return operator;
  }

  /** As a changed configuration file does. */
  allow(tenancy: Tenancy['namespaces']): void {
    this.#tenancy = tenancy;
    for (const listener of this.#tenancyListeners) listener();
  }

  /** Only what is in the data directory is still there afterwards. */
  async restartKubernetes(): Promise<void> {
    const { port } = new URL(this.kubernetes.url);
    const dataDirectory = this.#dataDirectory;
    assert.ok(dataDirectory, 'a server without a data directory forgets everything');
    await this.kubernetes.close();
    this.kubernetes = await startEmbeddedKubernetes({
      runtime: this.runtime,
      port: Number(port),
      tls: false,
      dataDirectory,
    });
    this.watch.follow(this.kubernetes.server);
  }

  #accessAs(user: string): ClusterAccess {
    return {
      server: this.kubernetes.url,
      tls: { certificateAuthority: this.kubernetes.caCertificate },
      namespace: 'default',
      credential: async () => ({ authorization: `Bearer ${this.kubernetes.token(user)}` }),
      rejected: () => {},
    };
  }

  async createNamespace(name: string): Promise<void> {
    await this.client.create(namespaces, {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name },
    });
  }

  createVolumePool(name: string, spec: object, namespace = 'stories'): Promise<VolumePool> {
    const defaults = {
      volume: { sizeGiB: 32 },
      goldenSnapshot: { type: 'Existing', existing: { id: goldenSnapshotId } },
    };
    return this.client.create(volumePools, {
      apiVersion,
      kind: 'VolumePool',
      metadata: { name, namespace },
      spec: { ...defaults, ...spec },
    } as unknown as VolumePool);
  }

  createInstancePool(name: string, spec: object, namespace = 'stories'): Promise<InstancePool> {
    return this.client.create(instancePools, {
      apiVersion,
      kind: 'InstancePool',
      metadata: { name, namespace },
      spec: { template: instanceTemplate, ...spec },
    } as unknown as InstancePool);
  }

  claim(name: string, spec: object = {}, namespace = 'stories'): Promise<InstanceClaim> {
    return this.client.create(instanceClaims, {
      apiVersion,
      kind: 'InstanceClaim',
      metadata: { name, namespace },
      spec: { instancePoolRef: { name: 'boxes' }, ...spec },
    } as unknown as InstanceClaim);
  }

  getClaim(name: string, namespace = 'stories'): Promise<InstanceClaim | undefined> {
    return this.client.get(instanceClaims, { namespace, name });
  }

  release(name: string, namespace = 'stories'): Promise<unknown> {
    return this.client.delete(instanceClaims, { namespace, name });
  }

  instances(namespace = 'stories'): Promise<PoolInstance[]> {
    return this.client.list(poolInstances, { namespace });
  }

  volumes(namespace = 'stories'): Promise<PoolVolume[]> {
    return this.client.list(poolVolumes, { namespace });
  }

  /** The machine that a claim was told about. */
  machineOf(claim: InstanceClaim) {
    const id = claim.status?.instance?.resourceId;
    const machine = this.running.azure.cloud.resources.get('virtualMachine', id);
    assert.ok(machine, `no machine ${id}`);
    return machine;
  }

  /** Who wrote to a disk since it was copied from its snapshot. */
  writersOf(diskId: string): string[] {
    const disk = this.running.azure.cloud.resources.get('disk', diskId);
    assert.ok(disk, `no disk ${diskId}`);
    // Attaching counts as a write of the machine, which goes by a uuid.
    return disk.content.writes.map(({ by }) => by).filter((by) => !by.includes('-'));
  }

  nowText(): string {
    return formatTime(this.runtime.clock.now());
  }

  fault(order: FaultOrder): void {
    this.running.azure.faults.add(order);
  }

  untilFree(pool: string, free: number, namespace = 'stories', patience: Patience = {}) {
    return eventually(
      `${pool} has ${free} free`,
      async () => {
        const [a, b] = await Promise.all([
          this.client.get(instancePools, { namespace, name: pool }),
          this.client.get(volumePools, { namespace, name: pool }),
        ]);
        const isSettled = [a, b].every(
          (one) => !one || (one.status?.free === free && one.status.creating === 0),
        );
        // The status follows its members a moment later: both must say so.
        return isSettled && this.#isFree(pool, free, namespace);
      },
      { because: () => this.picture(), ...patience },
    );
  }

  #isFree(pool: string, free: number, namespace: string): boolean {
    const found = { PoolInstance: 0, PoolVolume: 0 };
    const kinds = new Set<string>();
    for (const { kind, metadata, spec, status } of this.watch.members()) {
      if (spec.poolRef.name !== pool || metadata.namespace !== namespace) continue;
      kinds.add(kind);
      const isNobodys = spec.claimRef === undefined && !('instanceRef' in spec);
      if (status?.phase === 'Free' && isNobodys && !metadata.deletionTimestamp)
        found[kind as keyof typeof found]++;
    }
    return [...kinds].every((kind) => found[kind as keyof typeof found] === free);
  }

  untilReady(name: string, namespace = 'stories', patience: Patience = {}): Promise<InstanceClaim> {
    return eventually(
      `claim ${name} is Ready`,
      async () => {
        const claim = await this.getClaim(name, namespace);
        return claim?.status?.phase === 'Ready' ? claim : undefined;
      },
      { because: () => this.picture(), ...patience },
    );
  }

  untilGone(name: string, namespace = 'stories', patience: Patience = {}): Promise<true> {
    return eventually(
      `claim ${name} is gone`,
      async () => (await this.getClaim(name, namespace)) === undefined || undefined,
      { because: () => this.picture(), ...patience },
    );
  }

  /**
   * Waits until the cloud holds exactly what the records say, one by one; so many records, if told:
   * a claim is gone before what it owned is, and its disk looks attached until its turn comes.
   */
  untilAccounted({ records, ...patience }: Patience & { records?: number } = {}): Promise<true> {
    const isCounted = () =>
      (records ?? this.watch.members().length) === this.watch.members().length;
    return eventually(
      `cloud and ${records ?? ''} records agree`,
      () => (isCounted() && this.discrepancies().length === 0) || undefined,
      { because: () => ({ ...this.discrepancies(), picture: this.picture() }), ...patience },
    );
  }

  /** What exists without a record, or should exist and does not. Retained disks may outlive theirs. */
  discrepancies(): string[] {
    const records = this.watch.members();
    const expected = new Set<string>();
    for (const { kind, metadata } of records) {
      if (kind === 'PoolVolume') expected.add(`pkvol-${metadata.uid}`);
      else expected.add(`pkvm-${metadata.uid}`).add(`pkvm-${metadata.uid}-os`);
      if (kind === 'PoolInstance') expected.add(`pkvm-${metadata.uid}-nic`);
    }
    const orphans = new Set(this.orphans().map(({ name }) => name));
    const found = this.running.azure
      .resources()
      .filter(({ kind, tags }) => kind !== 'snapshot' && !tags['poolkeeper:orphaned-from'])
      .filter(({ tags }) => !tags['kubernetes-node'])
      .filter(({ name }) => !orphans.has(name.replace(/-os$/, '')))
      .filter(({ tags }) => tags['poolkeeper:status'] !== 'retained' || isRecorded(records, tags))
      .map(({ kind, name }) =>
        kind === 'networkInterface' ? name.replace(/-[0-9a-f]{8}$/, '') : name,
      );
    const settled = records.every(({ status }) => SETTLED.has(status?.phase ?? 'Pending'));
    const present = new Set(found);
    return [
      ...this.watch.doublyServed().map((owner) => `two of one kind: ${owner}`),
      ...(settled ? [] : ['some records are not settled']),
      ...found.filter((name) => !expected.has(name)).map((name) => `${name} has no record`),
      ...[...expected].filter((name) => !present.has(name)).map((name) => `${name} is missing`),
      ...(found.length === present.size ? [] : ['something is there twice']),
    ];
  }

  /** What a deleted pool has let go of. */
  orphans() {
    return this.running.azure.resources().filter(({ tags }) => tags['poolkeeper:orphaned-from']);
  }

  /** What a person would look at first. */
  picture(): object {
    const members = this.watch.members().map(({ metadata, spec, status }) => {
      const { phase, lastError, operation, attempts } = status ?? {};
      return {
        name: metadata.name,
        phase,
        deleting: metadata.deletionTimestamp,
        claim: spec.claimRef?.name,
        error: lastError && `${lastError.code}: ${lastError.message.slice(0, 80)}`,
        attempts,
        operation: operation?.type,
      };
    });
    const cloud = this.running.azure
      .resources()
      .map(({ name, provisioningState }) => `${name} ${provisioningState}`);
    return { members, cloud, violations: this.watch.violations };
  }
}

const SETTLED = new Set(['Free', 'Claimed', 'Attached', 'Retained']);

function isRecorded(
  records: readonly { metadata: { uid: string } }[],
  tags: Readonly<Record<string, string>>,
): boolean {
  return records.some(({ metadata }) => metadata.uid === tags['poolkeeper:uid']);
}

function logLevel() {
  return process.env['POOLS_LOG'] === '1' ? 'info' : 'silent';
}
