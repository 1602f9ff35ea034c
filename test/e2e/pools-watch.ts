// Watches the truth while an operator works: every commit of the API server and every call to the
// cloud is checked against what must always hold. Violations are collected, not thrown, because they
// happen in the middle of somebody else's call.
import type { InstanceClaim } from '../../src/api/instance-claim.ts';
import type { PoolInstance } from '../../src/api/pool-instance.ts';
import type { PoolVolume } from '../../src/api/pool-volume.ts';
import type { ArmRequest, SimulatedAzure } from '../../src/local/azure/index.ts';
import type { KubernetesServer } from '../../src/local/kubernetes/index.ts';

type Member = PoolInstance | PoolVolume;

const SHELVES = {
  claims: 'poolkeeper.dev/instanceclaims',
  instances: 'poolkeeper.dev/poolinstances',
  volumes: 'poolkeeper.dev/poolvolumes',
};

export class Watch {
  readonly violations: string[] = [];
  #server: KubernetesServer;
  readonly #azure: SimulatedAzure;

  constructor(server: KubernetesServer, azure: SimulatedAzure) {
    this.#server = server;
    this.#azure = azure;
    this.follow(server);
    const handle = azure.handle.bind(azure);
    azure.handle = (request) => {
      // What was due before this call is not its doing: an attach that fails, for example.
      azure.settle();
      this.#checkCall(request);
      const before = this.#attachments();
      const answer = handle(request);
      this.#checkDetached(request, before);
      return answer;
    };
  }

  /** Watches this server from now on. */
  follow(server: KubernetesServer): void {
    this.#server = server;
    server.store.onCommit((shelf, { object, previous, type }) => {
      if (shelf !== SHELVES.instances && shelf !== SHELVES.volumes) return;
      this.#checkCommit(
        type === 'DELETED' ? undefined : (object as unknown as Member),
        previous as unknown as Member | undefined,
      );
    });
  }

  members(): Member[] {
    return [SHELVES.instances, SHELVES.volumes].flatMap(
      (shelf) => this.#server.store.shelf(shelf).list() as unknown as Member[],
    );
  }

  /** A binding is set once and ends only with its claim; two claims never meet in one member. */
  #checkCommit(member: Member | undefined, before: Member | undefined): void {
    const old = before?.spec.claimRef;
    const now = member?.spec.claimRef;
    // Let go of by its pool, with the machine as it is: the claim was told.
    const isOrphan = before?.spec.orphan !== undefined;
    if (old && old.uid !== now?.uid && !isOrphan) {
      const name = before.metadata.name;
      if (now) this.violations.push(`${name} passed from claim ${old.name} to ${now.name}`);
      if (!member) this.violations.push(`${name} went while claim ${old.name} owned it`);
      if (this.#isActive(old.uid) && !this.#isSurplus(before, old.uid))
        this.violations.push(`${name} let go of claim ${old.name}, which is active`);
    }
    if (now && !old && member.metadata.deletionTimestamp)
      this.violations.push(`${member.metadata.name} was bound on its way out`);
  }

  /** Claims that own two of a kind, as two operators at once may leave them for a moment. */
  doublyServed(): string[] {
    const owners = this.members().map(({ kind, spec }) => `${kind} ${spec.claimRef?.name}`);
    return owners.filter(
      (owner, at) => !owner.endsWith('undefined') && owners.indexOf(owner) !== at,
    );
  }

  /** A second one, whose claim was told of the first and still has it; or a disk of that second one. */
  #isSurplus(member: Member, claimUid: string): boolean {
    const { status } = this.#claims().find(({ metadata }) => metadata.uid === claimUid) ?? {};
    const owns = (uid: string | undefined) =>
      this.members().some(
        ({ metadata, spec }) => metadata.uid === uid && spec.claimRef?.uid === claimUid,
      );
    const isSecond = (one: string | undefined, told: string | undefined) =>
      one !== undefined && told !== undefined && one !== told && owns(told);
    const { uid } = member.metadata;
    if (member.kind === 'PoolInstance') return isSecond(uid, status?.instance?.uid);
    const { instanceRef } = (member as PoolVolume).spec;
    if (isSecond(uid, status?.volume?.uid)) return true;
    return status?.volume === undefined && isSecond(instanceRef?.uid, status?.instance?.uid);
  }

  /** Nothing is made without a record, nothing is deleted that a claim owns. */
  #checkCall({ method, url }: ArmRequest): void {
    const [, uid] = /\/(?:pkvm|pkvol)-([0-9a-f-]{36})(?:\?|$)/i.exec(url) ?? [];
    if (!uid) return;
    const record = this.members().find(({ metadata }) => metadata.uid === uid);
    if (method === 'PUT' && !record) this.violations.push(`made without a record: ${url}`);
    if (method !== 'DELETE') return;
    if (!record) this.violations.push(`deleted after its record: ${url}`);
    else if (record.spec.claimRef) this.violations.push(`deleted while claimed: ${url}`);
    else if (!record.metadata.deletionTimestamp)
      this.violations.push(`deleted before its record was retired: ${url}`);
  }

  /** Disk id by disk id: the machine that holds it. */
  #attachments(): Map<string, string> {
    const holders = new Map<string, string>();
    for (const machine of this.#azure.cloud.resources.ofKind('virtualMachine')) {
      for (const disk of machine.dataDisks)
        if (!disk.toBeDetached) holders.set(disk.diskId.toLowerCase(), machine.name);
    }
    return holders;
  }

  #checkDetached({ method, url }: ArmRequest, before: Map<string, string>): void {
    if (method === 'GET') return;
    const after = this.#attachments();
    for (const [diskId, machine] of before) {
      if (after.get(diskId) === machine) continue;
      const uid = diskId.split('/pkvol-').at(-1);
      const record = this.members().find(({ metadata }) => metadata.uid === uid);
      const owner = record?.spec.claimRef;
      if (owner && this.#isActive(owner.uid) && !this.#isSurplus(record, owner.uid))
        this.violations.push(`${method} ${url} detached a disk of claim ${owner.name}`);
    }
  }

  #claims(): InstanceClaim[] {
    return this.#server.store.shelf(SHELVES.claims).list() as unknown as InstanceClaim[];
  }

  #isActive(claimUid: string): boolean {
    const claim = this.#claims().find(({ metadata }) => metadata.uid === claimUid);
    if (!claim || claim.metadata.deletionTimestamp) return false;
    return claim.status?.phase !== 'Releasing' && claim.status?.phase !== 'Failed';
  }
}
