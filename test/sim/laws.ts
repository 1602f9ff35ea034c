// What must hold at every moment, whatever fails. Checked against the truth after every commit of the
// API server and around every call to the cloud; violations are collected, because they happen in the
// middle of somebody's call.
import type { InstanceClaim } from '../../src/api/instance-claim.ts';
import type { ArmRequest } from '../../src/local/azure/index.ts';
import { LATE } from './calls.ts';
import { type Member, type Pool, SHELVES, type Truth } from './truth.ts';

const OURS = /\/(pkvm|pkvol)-([0-9a-f-]{36})(?:-|\/|\?|$)/i;

export interface LawsOptions {
  readonly truth: Truth;
  readonly installation: string;
  readonly elapsed: () => number;
}

export class Laws {
  readonly violations: string[] = [];
  readonly #truth: Truth;
  readonly #installation: string;
  readonly #elapsed: () => number;
  /** By the uid of a machine's record: every claim it has served. */
  readonly #served = new Map<string, Set<string>>();
  /** By the uid of a claim: the volume that it asked for. */
  readonly #asked = new Map<string, InstanceClaim['spec']['volume']>();

  constructor(options: LawsOptions) {
    this.#truth = options.truth;
    this.#installation = options.installation;
    this.#elapsed = options.elapsed;
    this.#followCommits();
    this.#followCloud();
  }

  /** Also for those who check something of their own. */
  broken(law: string): void {
    const text = `${(this.#elapsed() / 1000).toFixed(1)} s: ${law}`;
    if (!this.violations.some((known) => known.endsWith(`: ${law}`))) this.violations.push(text);
  }

  #followCommits(): void {
    this.#truth.server.store.onCommit((shelf, { object, previous, type }) => {
      const now = type === 'DELETED' ? undefined : object;
      if (shelf === SHELVES.instances || shelf === SHELVES.volumes) {
        const member = now as unknown as Member | undefined;
        const before = previous as unknown as Member | undefined;
        this.#bindings(member, before);
        if (!member && before) this.#gone(before);
        if (member && !before) this.#counts();
      } else if (shelf === SHELVES.claims && now) {
        const claim = now as unknown as InstanceClaim;
        this.#asked.set(claim.metadata.uid, claim.spec.volume);
        this.#promise(claim);
      }
    });
  }

  /** A binding is set once and ends only with its claim; two claims never meet in one member. */
  #bindings(member: Member | undefined, before: Member | undefined): void {
    const old = before?.spec.claimRef;
    const now = member?.spec.claimRef;
    if (old && old.uid !== now?.uid) {
      const { name } = before.metadata;
      if (now) this.broken(`${name} passed from claim ${old.name} to ${now.name}`);
      if (!member) this.broken(`${name} went while claim ${old.name} owned it`);
      if (this.#truth.isActive(old.uid) && !this.#isSurplus(before, old.uid))
        this.broken(`${name} let go of claim ${old.name}, which is active`);
    }
    if (!now || !member || old) return;
    if (member.metadata.deletionTimestamp)
      this.broken(`${member.metadata.name} was bound on its way out`);
    this.#usedOnce(member, now.uid);
  }

  /** A used machine, or a used disk, is nobody else's any more. */
  #usedOnce(member: Member, claimUid: string): void {
    const { uid, name } = member.metadata;
    const served = this.#served.get(uid) ?? new Set();
    this.#served.set(uid, served.add(claimUid));
    if (served.size < 2) return;
    // A claim that went a moment ago may still be bound by an operator that has not heard of it.
    const asked = this.#asked.get(claimUid);
    const isNamed =
      member.kind === 'PoolVolume' && asked?.type === 'Existing' && asked.existing.uid === uid;
    const pool = this.#poolOf(member);
    const isShared = pool && 'recyclePolicy' in pool.spec && pool.spec.recyclePolicy === 'Reuse';
    if (!isNamed && !isShared) this.broken(`${name} was handed out twice`);
  }

  /** A second one, whose claim was told of the first and still has it. */
  #isSurplus(member: Member, claimUid: string): boolean {
    const { status } = this.#truth.claimOf(claimUid) ?? {};
    const told = (member.kind === 'PoolInstance' ? status?.instance : status?.volume)?.uid;
    if (told === undefined || told === member.metadata.uid) return false;
    return this.#truth
      .members()
      .some(({ metadata, spec }) => metadata.uid === told && spec.claimRef?.uid === claimUid);
  }

  /** A record goes last: nothing of it may be left, or still be coming, in the cloud. */
  #gone(member: Member): void {
    const { uid, name } = member.metadata;
    for (const one of [
      ...this.#truth.machines(),
      ...this.#truth.disks(),
      ...this.#truth.interfaces(),
    ]) {
      if (!one.name.includes(uid) || one.tags['poolkeeper:status'] === 'retained') continue;
      this.broken(`the record ${name} went before ${one.name}`);
    }
  }

  /**
   * Never more than maxTotal of a pool, neither records nor machines nor disks. What was found without
   * a record is recorded wherever there is room; a kept disk may have lost its record to somebody.
   */
  #counts(): void {
    for (const pool of this.#truth.pools()) {
      const { maxTotal } = pool.spec.scaling;
      const { name } = pool.metadata;
      const records = this.#truth.membersOf(pool).filter(({ spec }) => !spec.adopt).length;
      if (records > maxTotal) this.broken(`${name} has ${records} records of ${maxTotal}`);
      const made = this.#madeBy(pool);
      if (made > maxTotal) this.broken(`${name} has ${made} in the cloud of ${maxTotal}`);
    }
  }

  #madeBy({ kind, metadata }: Pool): number {
    const all = kind === 'InstancePool' ? this.#truth.machines() : this.#truth.disks();
    // One that was asked for long ago may come when its record is gone: it is cleaned up, not counted.
    const recorded = new Set(this.#truth.members().map((member) => member.metadata.uid));
    return all.filter(
      ({ tags }) =>
        recorded.has(tags['poolkeeper:uid'] ?? '') &&
        tags['poolkeeper:installation'] === this.#installation &&
        tags['poolkeeper:status'] !== 'retained' &&
        tags['poolkeeper:role'] === (kind === 'InstancePool' ? 'instance' : 'volume') &&
        tags['poolkeeper:pool'] === metadata.name &&
        tags['poolkeeper:pool-namespace'] === metadata.namespace,
    ).length;
  }

  /** Ready is said only of what is there, and of nobody else's bytes. */
  #promise(claim: InstanceClaim): void {
    const { metadata, status, spec } = claim;
    if (status?.phase !== 'Ready' || metadata.deletionTimestamp) return;
    const wrong = this.#withoutMachine(claim) ?? (spec.volume && this.#withoutDisk(claim));
    if (wrong) this.broken(`claim ${metadata.name} is Ready ${wrong}`);
  }

  #withoutMachine({ status }: InstanceClaim): string | undefined {
    const id = status?.instance?.resourceId;
    return this.#truth.azure.cloud.resources.get('virtualMachine', id)
      ? undefined
      : 'without a machine';
  }

  #withoutDisk({ metadata, status, spec }: InstanceClaim): string | undefined {
    const { resources } = this.#truth.azure.cloud;
    const machine = resources.get('virtualMachine', status?.instance?.resourceId);
    const disk = resources.get('disk', status?.volume?.resourceId);
    if (!disk) return 'without its disk';
    const attached = machine?.dataDisks.find(
      ({ diskId, toBeDetached }) => diskId.toLowerCase() === disk.id.toLowerCase() && !toBeDetached,
    );
    if (!attached) return 'while its disk is not attached';
    const told = status?.volume?.lun;
    if (attached.lun !== told) return `and was told lun ${told}, it is ${attached.lun}`;
    const owner = `user-${metadata.uid}`;
    const stranger = disk.content.writes.find(({ by }) => by.startsWith('user-') && by !== owner);
    return spec.volume?.type === 'New' && stranger
      ? `with a disk that has bytes of ${stranger.by}`
      : undefined;
  }

  #followCloud(): void {
    const { azure } = this.#truth;
    const handle = azure.handle.bind(azure);
    azure.handle = (request) => {
      if (request.method === 'GET' || request.url.includes('ResourceGraph')) return handle(request);
      azure.settle();
      this.#call(request);
      const before = this.#attachments();
      const answer = handle(request);
      this.#detached(request, before);
      if (request.method === 'PUT') this.#counts();
      return answer;
    };
  }

  /** Nothing is made without a record, nothing deleted that a claim owns, nothing touched of others. */
  #call({ method, url, headers }: ArmRequest): void {
    this.#foreign(method, url);
    const [, , uid] = OURS.exec(url) ?? [];
    if (!uid) return;
    const record = this.#truth.members().find(({ metadata }) => metadata.uid === uid);
    if (method === 'PUT' && !record && !headers?.[LATE])
      this.broken(`made without a record: ${short(url)}`);
    const isPower = method === 'POST' && /\/(deallocate|powerOff|restart)\?/.test(url);
    const owner = record?.spec.claimRef;
    if (isPower && owner && this.#truth.isActive(owner.uid))
      this.broken(`machine of claim ${owner.name}: ${short(url)}`);
    if (method !== 'DELETE') return;
    if (!record) return;
    if (owner) this.broken(`deleted while claimed: ${short(url)}`);
    else if (!record.metadata.deletionTimestamp)
      this.broken(`deleted before its record was retired: ${short(url)}`);
  }

  #foreign(method: string, url: string): void {
    const path = url
      .replace(/^https:\/\/[^/]+/, '')
      .split('?')[0]!
      .toLowerCase();
    for (const one of [
      ...this.#truth.machines(),
      ...this.#truth.disks(),
      ...this.#truth.interfaces(),
    ]) {
      const id = one.id.toLowerCase();
      if (path !== id && !path.startsWith(`${id}/`)) continue;
      const installation = one.tags['poolkeeper:installation'];
      if (OURS.test(`${one.id}?`) && (!installation || installation === this.#installation)) return;
      if (installation !== this.#installation) this.broken(`not ours: ${method} ${short(url)}`);
    }
  }

  /** Disk id by disk id: the machine that holds it. */
  #attachments(): Map<string, string> {
    const holders = new Map<string, string>();
    for (const machine of this.#truth.machines()) {
      for (const disk of machine.dataDisks)
        if (!disk.toBeDetached) holders.set(disk.diskId.toLowerCase(), machine.name);
    }
    return holders;
  }

  #detached({ method, url }: ArmRequest, before: Map<string, string>): void {
    const after = this.#attachments();
    for (const [diskId, machine] of before) {
      if (after.get(diskId) === machine) continue;
      const uid = diskId.split('/pkvol-').at(-1);
      const record = this.#truth.volumes().find(({ metadata }) => metadata.uid === uid);
      const owner = record?.spec.claimRef;
      if (owner && this.#truth.isActive(owner.uid) && !this.#isSurplus(record, owner.uid))
        this.broken(`${method} ${short(url)} detached a disk of claim ${owner.name}`);
    }
  }

  #poolOf(member: Member): Pool | undefined {
    const kind = member.kind === 'PoolInstance' ? 'InstancePool' : 'VolumePool';
    return this.#truth
      .pools()
      .find(
        (pool) =>
          pool.kind === kind &&
          pool.metadata.namespace === member.metadata.namespace &&
          pool.metadata.name === member.spec.poolRef.name,
      );
  }
}

function short(url: string): string {
  return url.replace(/^.*\/providers\/Microsoft\.\w+\//, '').split('?')[0]!;
}
