// What people do in the simulated world: make pools, claim, use, release, change their minds. Their
// own connection is good: a person who sees an error tries again.
import type { InstanceClaim } from '../../src/api/instance-claim.ts';
import type { AnyObject, Resource } from '../../src/api/object.ts';
import {
  instanceClaims,
  instancePools,
  poolInstances,
  poolVolumes,
  volumePools,
} from '../../src/api/resources.ts';
import { type Draft, isAlreadyExists, isNotFound } from '../../src/kube/index.ts';
import { goldenSnapshotId, instanceTemplate } from '../builders/pools.ts';
import type { World } from './world.ts';

const apiVersion = 'poolkeeper.dev/v1alpha1';
const namespace = 'stories';

/** Nobody waits for anything longer than this. */
const PATIENCE_MILLISECONDS = 2 * 3600_000;

export class People {
  readonly world: World;

  constructor(world: World) {
    this.world = world;
  }

  wait(seconds: number): Promise<void> {
    return this.world.loop.wait(seconds * 1000);
  }

  async volumePool(name: string, scaling: object, spec: object = {}): Promise<void> {
    const defaults = {
      volume: { sizeGiB: 32 },
      goldenSnapshot: { type: 'Existing', existing: { id: goldenSnapshotId } },
    };
    await this.#create(volumePools, 'VolumePool', name, { ...defaults, scaling, ...spec });
  }

  async instancePool(name: string, scaling: object, spec: object = {}): Promise<void> {
    const template = instanceTemplate;
    await this.#create(instancePools, 'InstancePool', name, { template, scaling, ...spec });
  }

  async claim(name: string, spec: object = {}): Promise<void> {
    const boxes = { instancePoolRef: { name: 'boxes' } };
    await this.#create(instanceClaims, 'InstanceClaim', name, { ...boxes, ...spec });
  }

  async claimWithDisk(name: string, spec: object = {}): Promise<void> {
    await this.claim(name, {
      volume: { type: 'New', new: { poolRef: { name: 'disks' } } },
      ...spec,
    });
  }

  read(name: string): InstanceClaim | undefined {
    return this.world.truth.claims().find(({ metadata }) => metadata.name === name);
  }

  /** Resolves false when it did not become so. */
  async until(isSo: () => boolean, seconds = PATIENCE_MILLISECONDS / 1000): Promise<boolean> {
    const end = this.world.loop.elapsed + seconds * 1000;
    while (this.world.loop.elapsed < end) {
      if (isSo()) return true;
      await this.world.loop.wait(500);
    }
    return isSo();
  }

  untilReady(name: string, seconds?: number): Promise<boolean> {
    return this.until(() => this.read(name)?.status?.phase === 'Ready', seconds);
  }

  untilGone(name: string, seconds?: number): Promise<boolean> {
    return this.until(() => this.read(name) === undefined, seconds);
  }

  untilFree(pool: string, count: number, seconds?: number): Promise<boolean> {
    const isSo = (): boolean =>
      this.world.truth
        .members()
        .filter(({ spec, status }) => spec.poolRef.name === pool && status?.phase === 'Free')
        .length >= count;
    return this.until(isSo, seconds);
  }

  /** Whoever has a claim writes to its disk: whose bytes a disk carries is then known. */
  use(name: string): void {
    const claim = this.read(name);
    const diskId = claim?.status?.volume?.resourceId;
    if (diskId && this.world.azure.cloud.resources.get('disk', diskId))
      this.world.azure.writeToDisk(diskId, `user-${claim.metadata.uid}`);
  }

  release(name: string): Promise<void> {
    return this.#delete(instanceClaims, name);
  }

  deleteInstancePool(name: string): Promise<void> {
    return this.#delete(instancePools, name);
  }

  deleteVolumePool(name: string): Promise<void> {
    return this.#delete(volumePools, name);
  }

  deleteInstance(name: string): Promise<void> {
    return this.#delete(poolInstances, name);
  }

  deleteVolume(name: string): Promise<void> {
    for (const { metadata } of this.world.truth.volumes())
      if (metadata.name === name) this.world.serviceLaws.given(metadata.uid);
    return this.#delete(poolVolumes, name);
  }

  async changeInstancePool(name: string, spec: object): Promise<void> {
    await this.#patch(instancePools, name, spec);
  }

  async changeVolumePool(name: string, spec: object): Promise<void> {
    await this.#patch(volumePools, name, spec);
  }

  async #create<T extends AnyObject>(
    resource: Resource<T>,
    kind: string,
    name: string,
    spec: object,
  ): Promise<void> {
    const object = { apiVersion, kind, metadata: { name, namespace }, spec };
    await this.world.client
      .create(resource, object as unknown as Draft<T>)
      .catch(unless(isAlreadyExists));
  }

  async #delete<T extends AnyObject>(resource: Resource<T>, name: string): Promise<void> {
    await this.world.client.delete(resource, { namespace, name }).catch(unless(isNotFound));
  }

  async #patch<T extends AnyObject>(resource: Resource<T>, name: string, spec: object) {
    await this.world.client
      .mergePatch(resource, { namespace, name }, { spec })
      .catch(unless(isNotFound));
  }
}

function unless(expected: (error: unknown) => boolean): (error: unknown) => void {
  return (error) => {
    if (!expected(error)) throw error;
  };
}
