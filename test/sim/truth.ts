// What really is: read from the stores of the API server and of the cloud, never from what an
// operator believes.
import type { InstanceClaim } from '../../src/api/instance-claim.ts';
import type { InstancePool } from '../../src/api/instance-pool.ts';
import type { PoolInstance } from '../../src/api/pool-instance.ts';
import type { PoolVolume } from '../../src/api/pool-volume.ts';
import type { VolumePool } from '../../src/api/volume-pool.ts';
import type { SimulatedAzure } from '../../src/local/azure/index.ts';
import type { KubernetesServer } from '../../src/local/kubernetes/index.ts';

export type Member = PoolInstance | PoolVolume;
export type Pool = InstancePool | VolumePool;

export const SHELVES = {
  claims: 'poolkeeper.dev/instanceclaims',
  instances: 'poolkeeper.dev/poolinstances',
  volumes: 'poolkeeper.dev/poolvolumes',
  instancePools: 'poolkeeper.dev/instancepools',
  volumePools: 'poolkeeper.dev/volumepools',
} as const;

export class Truth {
  readonly server: KubernetesServer;
  readonly azure: SimulatedAzure;

  constructor(server: KubernetesServer, azure: SimulatedAzure) {
    this.server = server;
    this.azure = azure;
  }

  claims(): InstanceClaim[] {
    return this.#list(SHELVES.claims);
  }

  instances(): PoolInstance[] {
    return this.#list(SHELVES.instances);
  }

  volumes(): PoolVolume[] {
    return this.#list(SHELVES.volumes);
  }

  members(): Member[] {
    return [...this.instances(), ...this.volumes()];
  }

  pools(): Pool[] {
    return [...this.#list<Pool>(SHELVES.instancePools), ...this.#list<Pool>(SHELVES.volumePools)];
  }

  membersOf({ kind, metadata }: Pool): Member[] {
    const members: Member[] = kind === 'InstancePool' ? this.instances() : this.volumes();
    return members.filter(
      ({ metadata: { namespace }, spec }) =>
        namespace === metadata.namespace && spec.poolRef.name === metadata.name,
    );
  }

  claimOf(uid: string): InstanceClaim | undefined {
    return this.claims().find(({ metadata }) => metadata.uid === uid);
  }

  /** Of the cloud, without finishing what is due. */
  machines() {
    return this.azure.cloud.resources.ofKind('virtualMachine');
  }

  disks() {
    return this.azure.cloud.resources.ofKind('disk');
  }

  interfaces() {
    return this.azure.cloud.resources.ofKind('networkInterface');
  }

  /** A claim that owns what it owns: not on its way out. */
  isActive(claimUid: string): boolean {
    const claim = this.claimOf(claimUid);
    if (!claim || claim.metadata.deletionTimestamp) return false;
    return claim.status?.phase !== 'Releasing' && claim.status?.phase !== 'Failed';
  }

  #list<T>(shelf: string): T[] {
    return this.server.store.shelf(shelf).list() as unknown as T[];
  }
}
