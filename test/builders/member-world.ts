// A tiny world in which the planners' steps come true: records, a cloud that takes its time, and the
// claims. Pure and quick, so that whole lives can be told, and thousands of them be tried at random.

import type { InstanceClaim } from '../../src/api/instance-claim.ts';
import type { InstancePool } from '../../src/api/instance-pool.ts';
import { resourceFinalizer } from '../../src/api/names.ts';
import type { PoolInstance } from '../../src/api/pool-instance.ts';
import type { PoolVolume, PoolVolumeStatus } from '../../src/api/pool-volume.ts';
import type { VolumePool } from '../../src/api/volume-pool.ts';
import { allocate } from '../../src/plan/allocation.ts';
import { isOver, isWaiting } from '../../src/plan/instance-claim.ts';
import { isOrphanTagged } from '../../src/plan/member.ts';
import {
  EMPTY_INSTANCE_STATUS,
  instanceNeedsLook,
  type PoolInstancePlan,
  planPoolInstance,
} from '../../src/plan/pool-instance.ts';
import {
  EMPTY_VOLUME_STATUS,
  isHeld,
  type MemberPlan,
  type PoolVolumeStep,
  planPoolVolume,
  volumeNeedsLook,
} from '../../src/plan/pool-volume.ts';
import { shelved } from '../../src/plan/stock.ts';
import { claimRefTo, referenceTo } from './members.ts';
import { createdAt, timeAt } from './metadata.ts';
import { StoryCloud } from './story-cloud.ts';

type Member = PoolInstance | PoolVolume;
type VolumePlan = MemberPlan<PoolVolumeStep, PoolVolumeStatus>;

/** Phases that come soon enough after a creation for a late word to meet them. */
const EARLY: ReadonlySet<string> = new Set(['Free', 'Claimed', 'Attaching', 'Attached']);

export interface MemberWorldOptions {
  readonly pool: InstancePool;
  readonly volumePool: VolumePool;
}

export class MemberWorld {
  readonly instances = new Map<string, PoolInstance>();
  readonly volumes = new Map<string, PoolVolume>();
  readonly claims = new Map<string, InstanceClaim>();
  readonly cloud = new StoryCloud();
  /** The story so far, a line for each thing that happened. */
  readonly lines: string[] = [];
  /** Each change of phase there was: `PoolInstance Free → Claimed`. */
  readonly transitions = new Set<string>();
  /** What must never happen, and did. */
  readonly violations: string[] = [];
  /** False: deleted records go at once with the pool's say, as when their whole namespace goes. */
  swept = false;
  /** So many status writes are lost: the operator is killed just before each. */
  crashes = 0;
  #seconds = 0;
  #versions = 1;
  readonly #pools: MemberWorldOptions;
  readonly #creations = new Map<string, NonNullable<Member['status']>>();
  readonly #neglected = new Map<string, number>();

  constructor(pools: MemberWorldOptions) {
    this.#pools = pools;
  }

  get now(): number {
    return createdAt + this.#seconds * 1000;
  }

  add(member: Member): void {
    if (member.kind === 'PoolInstance')
      this.instances.set(member.metadata.name, member as PoolInstance);
    else this.volumes.set(member.metadata.name, member as PoolVolume);
  }

  say(what: string): void {
    this.lines.push(`${String(this.#seconds).padStart(5)} s  ${what}`);
  }

  claim(claim: InstanceClaim): void {
    this.claims.set(claim.metadata.name, claim);
    this.say(`${claim.metadata.name} is created`);
  }

  release(name: string): void {
    if (this.claims.delete(name)) this.say(`${name} is deleted`);
  }

  deleteRecord(name: string): void {
    const member = this.instances.get(name) ?? this.volumes.get(name);
    if (!member || member.metadata.deletionTimestamp) return;
    this.say(`the record of ${name} is deleted`);
    this.#write(member, { deletionTimestamp: timeAt(this.#seconds) });
  }

  /** Its pool is deleted with deletionPolicy Orphan: the mark that comes first. */
  orphan(name: string): void {
    const member = this.instances.get(name) ?? this.volumes.get(name);
    const isReleasing = member?.status?.phase === 'Releasing' || this.#isOver(member);
    if (!member?.spec.claimRef || member.spec.orphan || isReleasing) return;
    this.say(`the pool of ${name} lets go of it`);
    this.#markOrphan(member);
  }

  #isOver(member: Member | undefined): boolean {
    return member !== undefined && this.#claimOf(member) === 'over';
  }

  #markOrphan(member: Member): void {
    this.#write(member, {}, { orphan: { from: 'story', time: timeAt(this.#seconds) } });
  }

  /** The controllers are busy elsewhere: this record's turn does not come before then. */
  neglect(name: string, seconds: number): void {
    this.#neglected.set(name, this.#seconds + seconds);
  }

  /** What an operator wrote that had lost its lease: it asked for the creation, and says so late. */
  saysLate(name: string): void {
    const member = this.instances.get(name) ?? this.volumes.get(name);
    const status = this.#creations.get(name);
    if (!member || !status || !EARLY.has(member.status?.phase ?? '')) return;
    this.say(`${name}: an operator of before says that it is ${status.phase}`);
    this.add({ ...member, status } as Member);
  }

  #hasTurn({ metadata }: Member): boolean {
    return (this.#neglected.get(metadata.name) ?? 0) <= this.#seconds;
  }

  /** Goes on until nothing happens for so long; a longer story is no story. */
  run(seconds = 600): void {
    const end = this.#seconds + seconds;
    while (this.#seconds < end) {
      this.#pass();
      this.#seconds++;
    }
  }

  #pass(): void {
    this.cloud.settle(this.now);
    this.#bind();
    for (const instance of [...this.instances.values()])
      if (this.#hasTurn(instance)) this.#live(instance, this.#planInstance(instance));
    for (const volume of [...this.volumes.values()])
      if (this.#hasTurn(volume)) this.#live(volume, this.#planVolume(volume));
  }

  #bind(): void {
    const instances = [...this.instances.values()];
    const volumes = [...this.volumes.values()];
    const waiting = [...this.claims.values()]
      .map((claim) => ({
        claim,
        instance: instances.find(({ spec }) => spec.claimRef?.uid === claim.metadata.uid),
        volume: volumes.find(({ spec }) => spec.claimRef?.uid === claim.metadata.uid),
      }))
      .filter(({ claim, instance, volume }) => isWaiting(claim, instance, volume));
    const bindings = allocate({
      claims: waiting,
      ...shelved({
        instances,
        volumesOf: (pool) => volumes.filter(({ spec }) => spec.poolRef.name === pool),
      }),
      volumeNamed: (name) => this.volumes.get(name),
      heldBy: ({ metadata: { uid } }) => volumes.filter((one) => one.spec.instanceRef?.uid === uid),
    });
    for (const { claim, instance, volume, unwanted } of bindings) {
      const claimRef = claimRefTo(claim);
      this.#write(instance, {}, { claimRef });
      if (volume) this.#write(volume, {}, { claimRef, instanceRef: referenceTo(instance) });
      for (const one of unwanted) this.#write(one, {}, { instanceRef: undefined });
      const names = [instance, volume].flatMap((member) => (member ? [member.metadata.name] : []));
      this.say(`${claim.metadata.name} gets ${names.join(' and ')}`);
    }
  }

  #planInstance(instance: PoolInstance): PoolInstancePlan {
    const volumes = [...this.volumes.values()].filter(
      ({ spec }) => spec.instanceRef?.uid === instance.metadata.uid,
    );
    const claim = this.#claimOf(instance);
    const look = instanceNeedsLook(instance, { volumes, claim, pool: this.#pools.pool });
    const machine = look ? (this.cloud.machine(instance) ?? 'absent') : 'unread';
    return planPoolInstance(
      {
        instance,
        pool: this.#pools.pool,
        machine,
        operation: look ? this.cloud.operation(instance.status?.operation, this.now) : undefined,
        claim,
        volumes,
        strays: look ? this.cloud.strays(instance, [...this.volumes.values()]) : [],
        isClaimTold: true,
        leftovers: [],
        installation: 'story',
        pollPace: 1,
      },
      this.now,
    );
  }

  #planVolume(volume: PoolVolume): VolumePlan {
    const holder = [...this.instances.values()].find(
      ({ metadata }) => metadata.uid === volume.spec.instanceRef?.uid,
    );
    const look = volumeNeedsLook(volume, holder);
    return planPoolVolume(
      {
        volume,
        pool: this.#pools.volumePool,
        disk: look ? (this.cloud.disk(volume) ?? 'absent') : 'unread',
        operation: look ? this.cloud.operation(volume.status?.operation, this.now) : undefined,
        swept: this.swept,
        holder,
        installation: 'story',
        pollPace: 1,
      },
      this.now,
    );
  }

  #claimOf({ spec }: Member): 'none' | 'active' | 'over' {
    if (!spec.claimRef) return 'none';
    const claim = this.claims.get(spec.claimRef.name);
    return claim && claim.metadata.uid === spec.claimRef.uid && !isOver(claim) ? 'active' : 'over';
  }

  /** Carries out a plan as the controllers do: the step, then the status if anything changed. */
  #live(member: Member, plan: PoolInstancePlan | VolumePlan): void {
    const { step, because } = plan;
    const { name } = member.metadata;
    const from = member.status?.phase ?? 'Pending';
    this.#judge(member, plan);
    const outcome = step ? this.#carryOut(member, plan) : { status: plan.status };
    if (outcome === 'gone') {
      this.transitions.add(`${member.kind} ${from} → gone`);
      if (member.spec.orphan) this.#judgeOrphan(member);
      this.say(`${name}: ${step?.type} (${because})`);
      this.instances.delete(name);
      this.volumes.delete(name);
      this.say(`${name} is gone`);
      return;
    }
    const current = this.instances.get(name) ?? this.volumes.get(name);
    if (!current) return;
    if (step) this.say(`${name}: ${step.type} (${because})`);
    if (outcome.error) this.say(`${name}: Azure refuses: ${outcome.error}`);
    if (this.crashes > 0 && (step || plan.status !== member.status)) {
      this.crashes--;
      this.say(`${name}: killed before its status is written`);
      return;
    }
    const status = outcome.status as Member['status'];
    if (status?.phase !== from) this.transitions.add(`${member.kind} ${from} → ${status?.phase}`);
    if (status?.phase !== from) this.say(`${name}: ${from} → ${status?.phase}`);
    if (status?.phase === 'Creating' && !this.#creations.has(name))
      this.#creations.set(name, status);
    this.add({ ...current, status } as Member);
  }

  #carryOut(
    member: Member,
    { step, status }: PoolInstancePlan | VolumePlan,
  ): 'gone' | { status: object; error?: string } {
    const before =
      member.status ??
      (member.kind === 'PoolInstance' ? EMPTY_INSTANCE_STATUS : EMPTY_VOLUME_STATUS);
    switch (step?.type) {
      case 'retire':
        this.#write(member, { deletionTimestamp: timeAt(this.#seconds) });
        return { status };
      case 'clearClaim':
        this.#write(member, {}, { claimRef: undefined, lastClaimRef: member.spec.claimRef });
        return { status };
      case 'releaseVolumes':
        for (const volume of step.volumes) this.#letGo(volume);
        return { status };
      case 'orphanVolumes':
        for (const volume of step.volumes) this.#markOrphan(volume);
        return { status };
      case 'forgetHolder':
        this.#letGo(member as PoolVolume);
        return { status };
      case 'releaseRecord':
        return 'gone';
      default: {
        const error = this.cloud.refusal(member, step!, this.now);
        if (error) {
          const lastError = { code: error, message: 'refused', time: timeAt(this.#seconds) };
          return { status: { ...before, attempts: before.attempts + 1, lastError }, error };
        }
        const operation = this.cloud.begin(member, step!, this.now);
        const { nextAttemptTime: _, operation: __, ...rest } = status;
        const attempts = operation ? status.attempts : 0;
        return { status: { ...rest, attempts, ...(operation ? { operation } : {}) } };
      }
    }
  }

  /** It stays as it was, with nothing of ours on it; and its claim knows. */
  #judgeOrphan(member: Member): void {
    const { name } = member.metadata;
    const seen =
      member.kind === 'PoolInstance'
        ? this.cloud.machine(member as PoolInstance)
        : this.cloud.disk(member as PoolVolume);
    // Somebody else may have deleted it.
    if (seen && !isOrphanTagged(seen.tags))
      this.violations.push(`${name} goes with our tags on it`);
    const claim = [...this.claims.values()].find(
      ({ metadata }) => metadata.uid === member.spec.claimRef?.uid,
    );
    if (!claim) return;
    if (member.kind === 'PoolInstance') this.claims.delete(claim.metadata.name);
    else this.claims.set(claim.metadata.name, told(claim, member));
  }

  #letGo(volume: PoolVolume): void {
    const { claimRef } = volume.spec;
    const claim = claimRef ? { claimRef: undefined, lastClaimRef: claimRef } : {};
    this.#write(volume, {}, { instanceRef: undefined, ...claim });
  }

  /** Nothing of an active claim is taken from it, and nothing that rests is disturbed. */
  #judge(member: Member, { step }: PoolInstancePlan | VolumePlan): void {
    const { name } = member.metadata;
    const isActive = this.#claimOf(member) === 'active' && !member.spec.orphan;
    const type = step?.type ?? '';
    if (isActive && ['deleteInstance', 'deleteDisk', 'clearClaim', 'retire'].includes(type))
      this.violations.push(`${type} of ${name}, which is claimed`);
    if (step?.type === 'deleteInstance' || step?.type === 'deleteDisk') {
      if (!member.metadata.deletionTimestamp || member.spec.claimRef)
        this.violations.push(`${type} of ${name}, which is not retired`);
      if (!member.metadata.finalizers?.includes(resourceFinalizer))
        this.violations.push(`${type} of ${name} without its finalizer`);
    }
    if (step?.type === 'changeDataDisks') {
      for (const volume of this.volumes.values()) {
        const isDetached = step.detach.includes(volume.status?.azure?.resourceId ?? '');
        if (isDetached && this.#claimOf(volume) === 'active' && !volume.spec.orphan)
          this.violations.push(`${volume.metadata.name} is detached from its claim`);
      }
    }
  }

  #write(member: Member, metadata: object, spec: object = {}): void {
    const current =
      this.instances.get(member.metadata.name) ?? this.volumes.get(member.metadata.name);
    if (!current) return;
    const resourceVersion = String(++this.#versions);
    this.add({
      ...current,
      metadata: { ...current.metadata, ...metadata, resourceVersion },
      spec: withoutAbsent({ ...current.spec, ...spec }),
    } as Member);
  }

  /** Members that hold something which nobody wants them to hold, or are on their way for ever. */
  unsettled(): string[] {
    const resting = new Set(['Free', 'Claimed', 'Attached', 'Retained', 'Failed', 'Quarantined']);
    const members: Member[] = [...this.instances.values(), ...this.volumes.values()];
    return members
      .filter((member) => !this.#waitsForItsUser(member))
      .filter(({ status, metadata, spec }) => {
        const isGoing = metadata.deletionTimestamp !== undefined && !spec.claimRef;
        const isNobodys = status?.phase === 'Claimed' && !spec.claimRef;
        return isGoing || isNobodys || !resting.has(status?.phase ?? 'Pending');
      })
      .map(({ metadata, status }) => `${metadata.name} is ${status?.phase}`);
  }

  /** Its claim has lost its machine, which only the release of the claim ends. */
  #waitsForItsUser(member: Member): boolean {
    if (this.#claimOf(member) !== 'active') return false;
    const instance = [...this.instances.values()].find(
      ({ spec }) => spec.claimRef?.uid === member.spec.claimRef?.uid,
    );
    return instance === undefined || this.cloud.machine(instance) === undefined;
  }

  /** Claims whose volume is attached to their instance. */
  isServed(claim: InstanceClaim): boolean {
    const owned = (member: Member): boolean => member.spec.claimRef?.uid === claim.metadata.uid;
    const instance = [...this.instances.values()].find(owned);
    const volume = [...this.volumes.values()].find(owned);
    if (!instance) return false;
    return claim.spec.volume === undefined || (volume !== undefined && isHeld(volume, instance));
  }
}

function withoutAbsent(value: object): object {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined));
}

/** A claim that was told of its disk never waits for another. */
function told(claim: InstanceClaim, { metadata: { name, uid } }: Member): InstanceClaim {
  return { ...claim, status: { conditions: [], commands: [], volume: { name, uid } } };
}
