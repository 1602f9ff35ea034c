// Which NodeMount owns which disk of this node, across all namespaces: first come, first served.
// Rebuilt from the journals at start, so a restart forgets nobody.
import { type DeviceIdentity, describeDevice, identityKey } from '../plan/disks.ts';
import { PoolkeeperError } from '../runtime/errors.ts';
import type { JournalEntry, Owner } from './journal.ts';

export class DeviceClaims {
  readonly #owners = new Map<string, Owner>();
  /** Owners that the cluster does not know any more, with what becomes of their disks. */
  readonly #gone = new Map<string, string>();

  constructor(entries: readonly JournalEntry[]) {
    for (const entry of entries)
      for (const device of entry.claims) this.#owners.set(identityKey(device), entry);
  }

  ownerOf(device: DeviceIdentity): Owner | undefined {
    return this.#owners.get(identityKey(device));
  }

  /** For the planner: the disks that somebody else has, with words for whom. */
  ofOthers(uid: string): Map<string, string> {
    const others = [...this.#owners].filter(([, owner]) => owner.uid !== uid);
    return new Map(others.map(([key, owner]) => [key, this.#describe(owner)]));
  }

  #describe(owner: Owner): string {
    const remark = this.remarkOn(owner.uid);
    return `${describeOwner(owner)}${remark === undefined ? '' : ` (${remark})`}`;
  }

  /** Of an owner that is gone from the cluster: what becomes of its disks. */
  remarkOn(uid: string): string | undefined {
    const message = this.#gone.get(uid);
    return message && `which is gone from the cluster; its bytes are kept. ${message}`;
  }

  markGone(uid: string, message: string): void {
    this.#gone.set(uid, message);
  }

  markPresent(uid: string): void {
    this.#gone.delete(uid);
  }

  /** All or nothing, in one turn: two mounts that want the same disk can't both get it. */
  claim(owner: Owner, devices: readonly DeviceIdentity[]): void {
    for (const device of devices) {
      const present = this.ownerOf(device);
      if (present && present.uid !== owner.uid)
        throw new PoolkeeperError(
          'DeviceClaimed',
          `${describeDevice(device)} belongs to ${this.#describe(present)}.`,
        );
    }
    for (const device of devices) this.#owners.set(identityKey(device), owner);
  }

  /** Gives back one disk, by its identity key. */
  releaseDevice(uid: string, key: string): void {
    if (this.#owners.get(key)?.uid === uid) this.#owners.delete(key);
  }

  release(uid: string): void {
    for (const [key, owner] of this.#owners) if (owner.uid === uid) this.#owners.delete(key);
  }
}

/** As people know it: the pool, where the journal has its name. */
export function describeOwner({ namespace, name, poolName }: Owner): string {
  return poolName === undefined
    ? `NodeMount ${namespace}/${name}`
    : `StoragePool ${namespace}/${poolName}`;
}
