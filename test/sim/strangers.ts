// What others have in the same resource group: a disk of another installation whose pool has the same
// name, and one that no program knows. Nothing may become of them.
import type { SimulatedAzure } from '../../src/local/azure/index.ts';
import { location, resourceGroup, subscriptionId } from '../builders/pools.ts';

const theirUid = '0bad0bad-0bad-4bad-8bad-0bad0bad0bad';
const strangers: Readonly<Record<string, Record<string, string>>> = {
  [`pkvol-${theirUid}`]: {
    'poolkeeper:installation': 'another',
    'poolkeeper:role': 'volume',
    'poolkeeper:status': 'free',
    'poolkeeper:pool': 'disks',
    'poolkeeper:pool-namespace': 'stories',
    'poolkeeper:slot': '0',
    'poolkeeper:uid': theirUid,
  },
  'photos-of-anna': {},
};

export class Strangers {
  readonly #azure: SimulatedAzure;
  readonly #before: string;

  constructor(azure: SimulatedAzure) {
    this.#azure = azure;
    const group = `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}`;
    for (const [name, tags] of Object.entries(strangers)) {
      const id = `${group}/providers/Microsoft.Compute/disks/${name}`;
      const properties = { creationData: { createOption: 'Empty' }, diskSizeGB: 4 };
      const { status, body } = azure.handle({
        method: 'PUT',
        url: `https://management.azure.com${id}?api-version=2025-01-02`,
        headers: { authorization: 'Bearer theirs', 'content-type': 'application/json' },
        body: JSON.stringify({ location, sku: { name: 'Premium_LRS' }, tags, properties }),
      });
      if (status >= 300) throw new Error(`no stranger: ${JSON.stringify(body)}`);
    }
    this.#before = this.#look();
  }

  /** Undefined while they are as they were. */
  harm(): string | undefined {
    const now = this.#look();
    return now === this.#before ? undefined : `what is not ours was ${this.#before}, is ${now}`;
  }

  #look(): string {
    const disks = this.#azure.cloud.resources.ofKind('disk').filter(({ name }) => strangers[name]);
    return JSON.stringify(disks.map(({ name, tags, managedBy }) => ({ name, tags, managedBy })));
  }
}
