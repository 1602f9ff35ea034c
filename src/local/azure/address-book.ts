// Which private addresses of each subnet are taken. Follows the interfaces that come and go.
import { refuse } from './errors.ts';
import { idKey } from './resource-ids.ts';
import type { ResourceStore } from './resource-store.ts';

/** Azure keeps the first addresses of every subnet for itself. */
const FIRST_HOST = 4;
const LAST_HOST = 2 ** 16 - 2;

interface Subnet {
  readonly used: Set<string>;
  /** Every lower host is taken. */
  nextHost: number;
}

export class AddressBook {
  readonly #subnets = new Map<string, Subnet>();
  readonly #addressOf = new Map<string, { readonly subnet: Subnet; readonly address: string }>();

  constructor(resources: ResourceStore) {
    resources.onChange(({ id, record }) => {
      if (record?.kind === 'networkInterface')
        this.#take(idKey(id), this.#subnetOf(record.subnetId), record.privateAddress);
      else if (!record) this.#free(idKey(id));
    });
  }

  /** The lowest free address; taken once an interface with it is stored. */
  freeAddress(subnetId: string): string {
    const subnet = this.#subnetOf(subnetId);
    for (let host = subnet.nextHost; host <= LAST_HOST; host++) {
      const address = addressOf(host);
      if (subnet.used.has(address)) continue;
      subnet.nextHost = host;
      return address;
    }
    throw refuse(400, 'SubnetIsFull', `Subnet ${subnetId} does not have enough capacity.`);
  }

  #subnetOf(subnetId: string): Subnet {
    const key = idKey(subnetId);
    const subnet = this.#subnets.get(key) ?? { used: new Set<string>(), nextHost: FIRST_HOST };
    this.#subnets.set(key, subnet);
    return subnet;
  }

  #take(key: string, subnet: Subnet, address: string): void {
    if (this.#addressOf.has(key)) return;
    subnet.used.add(address);
    this.#addressOf.set(key, { subnet, address });
  }

  #free(key: string): void {
    const taken = this.#addressOf.get(key);
    if (!taken) return;
    this.#addressOf.delete(key);
    taken.subnet.used.delete(taken.address);
    taken.subnet.nextHost = Math.min(taken.subnet.nextHost, hostOf(taken.address));
  }
}

function addressOf(host: number): string {
  return `10.0.${host >> 8}.${host & 255}`;
}

function hostOf(address: string): number {
  const [, , high, low] = address.split('.').map(Number);
  return high! * 256 + low!;
}
