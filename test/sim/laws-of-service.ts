// What people were promised, checked on every commit: first come, first served; bytes that are kept; and
// conditions that do not say both that all is well and that something failed.
import type { InstanceClaim } from '../../src/api/instance-claim.ts';
import type { Condition } from '../../src/api/object.ts';
import type { PoolVolume } from '../../src/api/pool-volume.ts';
import type { VolumePool } from '../../src/api/volume-pool.ts';
import type { ArmRequest } from '../../src/local/azure/index.ts';
import { type Member, SHELVES, type Truth } from './truth.ts';

export interface ServiceLawsOptions {
  readonly truth: Truth;
  readonly broken: (law: string) => void;
  /** Views may lag behind by so much, and clocks be wrong: who came earlier by more goes first. */
  readonly patienceMilliseconds: number;
}

interface Told {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly status?: { readonly conditions?: readonly Condition[] };
}

/** Conditions whose truth is good news. */
const GOOD = new Set(['Ready', 'Available', 'Bound', 'VolumeAttached', 'HooksSucceeded']);
const BAD_NEWS = /\b(fail(s|ed|ure)?|error|refused|unreachable|forbidden|is gone|is lost)\b/i;

export class ServiceLaws {
  readonly #options: ServiceLawsOptions;
  /** Deleted by people themselves: their bytes go with them. */
  readonly #given = new Set<string>();

  constructor(options: ServiceLawsOptions) {
    this.#options = options;
    const { truth } = options;
    truth.server.store.onCommit((shelf, { object, previous, type }) => {
      if (type === 'DELETED') return;
      if (shelf.startsWith('poolkeeper.dev/')) this.#conditions(object as Told);
      if (shelf === SHELVES.instances) this.#order(object as never, previous as never);
    });
    const handle = truth.azure.handle.bind(truth.azure);
    truth.azure.handle = (request) => {
      if (request.method === 'DELETE') this.#bytes(request);
      return handle(request);
    };
  }

  /** Somebody deletes this record, and knows that its bytes go. */
  given(uid: string): void {
    this.#given.add(uid);
  }

  /** Of claims that ask for nothing but a machine, the older is bound first. */
  #order(member: Member, before: Member | undefined): void {
    const { claimRef, poolRef } = member.spec;
    if (!claimRef || before?.spec.claimRef) return;
    const { truth, broken, patienceMilliseconds } = this.#options;
    const claims = truth.claims();
    const served = claims.find(({ metadata }) => metadata.uid === claimRef.uid);
    if (!served || served.spec.volume) return;
    const bound = new Set(truth.instances().map(({ spec }) => spec.claimRef?.uid));
    const age = (claim: InstanceClaim): number => Date.parse(claim.metadata.creationTimestamp);
    for (const claim of claims) {
      const { metadata, spec, status } = claim;
      const isWaiting = !bound.has(metadata.uid) && (status?.phase ?? 'Pending') === 'Pending';
      if (!isWaiting || metadata.deletionTimestamp || spec.volume) continue;
      if (spec.instancePoolRef.name !== poolRef.name) continue;
      if (age(claim) + patienceMilliseconds < age(served))
        broken(`claim ${metadata.name} was there before ${served.metadata.name}, which is served`);
    }
  }

  /** What a user wrote is deleted only where the pool, or a person, says so. */
  #bytes({ url }: ArmRequest): void {
    const { truth, broken } = this.#options;
    const path = new URL(url).pathname.toLowerCase();
    const disk = truth.disks().find(({ id }) => id.toLowerCase() === path);
    const isUsed = disk?.content.writes.some(({ by }) => by.startsWith('user-'));
    if (!disk || !isUsed) return;
    const uid = disk.tags['poolkeeper:uid'] ?? '';
    const volume = truth.volumes().find(({ metadata }) => metadata.uid === uid);
    if (this.#given.has(uid) || policyOf(truth, volume) !== 'Retain') return;
    broken(`${disk.name} is deleted with somebody's bytes, under Retain`);
  }

  #conditions({ kind, metadata, status }: Told): void {
    for (const { type, status: isSo, message } of status?.conditions ?? []) {
      if (GOOD.has(type) && isSo === 'True' && BAD_NEWS.test(message))
        this.#options.broken(`${kind} ${metadata.name} is ${type}, and says: ${message}`);
    }
  }
}

function policyOf(truth: Truth, volume: PoolVolume | undefined): string | undefined {
  const pool = truth
    .pools()
    .find(
      ({ kind, metadata }) => kind === 'VolumePool' && metadata.name === volume?.spec.poolRef.name,
    );
  return volume?.status?.reclaimPolicy ?? (pool as VolumePool | undefined)?.spec.reclaimPolicy;
}
