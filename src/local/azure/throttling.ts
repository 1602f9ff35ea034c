// Azure's token buckets: the front door's per subscription, the compute provider's per machine and
// per subscription. They run in real time whatever the simulator's speed: a client that behaves
// here behaves there. A refused call costs a token too, as early retries do in Azure.
import type { Call } from './calls.ts';
import { targetId } from './calls.ts';
import { ArmError } from './errors.ts';
import { idKey } from './resource-ids.ts';
import type { ThrottlingSettings } from './settings.ts';

interface Limit {
  readonly name: string;
  readonly capacity: number;
  readonly refillPerMinute: number;
}

interface Charge extends Limit {
  /** What the bucket belongs to. */
  readonly owner: string;
  /** Refused with this code. */
  readonly code: string;
}

const limit = (name: string, capacity: number, refillPerMinute: number): Limit => ({
  name,
  capacity,
  refillPerMinute,
});

const frontDoor = {
  reads: limit('reads', 250, 25 * 60),
  writes: limit('writes', 200, 10 * 60),
  deletes: limit('deletes', 200, 10 * 60),
};
/** The limit across all regions is so much larger. */
const GLOBAL_FACTOR = 15;

const computeGroups = {
  put: [limit('PutVMSubscriptionMaximum', 1500, 500), limit('PutVMResource', 12, 4)],
  update: [limit('UpdateVMSubscriptionMaximum', 1500, 500), limit('UpdateVMResource', 12, 4)],
  delete: [limit('DeleteVMSubscriptionMaximum', 1500, 500), limit('DeleteVMResource', 12, 4)],
  read: [limit('LowCostGetSubscriptionMaximum', 24_000, 8000), limit('LowCostGetResource', 36, 12)],
  list: [limit('HighCostGetSubscriptionMaximum', 900, 300)],
  poll: [
    limit('GetOperationSubscriptionMaximum', 15_000, 5000),
    limit('GetOperationResource', 45, 15),
  ],
  diskWrite: [
    limit('CreateUpdateDisks3Min', 3000, 1000),
    limit('CreateUpdateDisks30Min', 25_000, 833),
  ],
  diskRead: [limit('LowCostGet3Min', 15_000, 5000), limit('LowCostGet30Min', 120_000, 4000)],
  diskPoll: [
    limit('GetOperation3Min', 50_000, 16_667),
    limit('GetOperation30Min', 400_000, 13_333),
  ],
} satisfies Record<string, readonly Limit[]>;

const groupOfOperation: Readonly<Record<string, keyof typeof computeGroups>> = {
  'virtualMachines.createOrUpdate': 'put',
  'virtualMachines.update': 'update',
  'virtualMachines.start': 'update',
  'virtualMachines.powerOff': 'update',
  'virtualMachines.restart': 'update',
  'virtualMachines.runCommand': 'update',
  'virtualMachines.attachDetachDataDisks': 'update',
  'virtualMachines.delete': 'delete',
  'virtualMachines.deallocate': 'delete',
  'virtualMachines.simulateEviction': 'delete',
  'virtualMachines.get': 'read',
  'virtualMachines.instanceView': 'read',
  'virtualMachines.list': 'list',
  'virtualMachines.listAll': 'list',
  'disks.get': 'diskRead',
  'disks.createOrUpdate': 'diskWrite',
  'disks.update': 'diskWrite',
  'disks.delete': 'diskWrite',
  'snapshots.createOrUpdate': 'diskWrite',
  'snapshots.update': 'diskWrite',
  'snapshots.delete': 'diskWrite',
};

interface Bucket {
  tokens: number;
  updatedAt: number;
}

/** A refused call pushes the bucket this far below empty at most, as a share of its capacity. */
const MAX_DEBT_SHARE = 0.25;

export class Throttle {
  readonly #buckets = new Map<string, Bucket>();
  readonly #settings: ThrottlingSettings;

  constructor(settings: ThrottlingSettings) {
    this.#settings = settings;
  }

  /**
   * Charges the front door's buckets; returns the headers that tell what is left.
   * @throws ArmError 429 with Retry-After when a bucket is empty
   */
  chargeFrontDoor(method: string, subscriptionId: string, now: number): Record<string, string> {
    const kind = method === 'DELETE' ? 'deletes' : method === 'GET' ? 'reads' : 'writes';
    const base = frontDoor[kind];
    const owner = subscriptionId.toLowerCase();
    const code = 'SubscriptionRequestsThrottled';
    const worldwide = limit(
      `global-${kind}`,
      base.capacity * GLOBAL_FACTOR,
      base.refillPerMinute * GLOBAL_FACTOR,
    );
    const left = this.#charge(
      [
        { ...base, owner, code },
        { ...worldwide, owner, code },
      ],
      now,
    );
    return Object.fromEntries(
      left.map(([name, tokens]) => [`x-ms-ratelimit-remaining-subscription-${name}`, tokens]),
    );
  }

  /** Likewise for the compute provider; polls are charged to the machine or disk they are about. */
  chargeProvider(call: Call, polledId: string | undefined, now: number): Record<string, string> {
    const group = polledId
      ? /\/virtualMachines\//i.test(polledId)
        ? 'poll'
        : 'diskPoll'
      : groupOfOperation[call.operation];
    if (!group) return {};
    const charges = computeGroups[group].map((entry) => ({
      ...entry,
      owner: entry.name.endsWith('Resource')
        ? idKey(polledId ?? targetId(call))
        : call.subscriptionId.toLowerCase(),
      code: 'TooManyRequests',
    }));
    const left = this.#charge(charges, now);
    const text = left.map(([name, tokens]) => `Microsoft.Compute/${name};${tokens}`).join(',');
    return { 'x-ms-ratelimit-remaining-resource': text };
  }

  #charge(charges: readonly Charge[], now: number): [string, string][] {
    if (!this.#settings.enabled)
      return charges.map((charge) => [charge.name, String(charge.capacity - 1)]);
    return charges.map((charge) => [charge.name, String(this.#take(charge, now))]);
  }

  #take(charge: Charge, now: number): number {
    const { scale } = this.#settings;
    const capacity = charge.capacity * scale;
    const refillPerMillisecond = (charge.refillPerMinute * scale) / 60_000;
    const key = `${charge.name} ${charge.owner}`;
    const bucket = this.#buckets.get(key) ?? { tokens: capacity, updatedAt: now };
    this.#buckets.set(key, bucket);
    const elapsed = Math.max(0, now - bucket.updatedAt);
    bucket.tokens = Math.min(capacity, bucket.tokens + elapsed * refillPerMillisecond);
    bucket.updatedAt = now;
    const allowed = bucket.tokens >= 1;
    bucket.tokens = Math.max(bucket.tokens - 1, -capacity * MAX_DEBT_SHARE);
    if (allowed) return Math.floor(bucket.tokens);
    const waitSeconds = Math.ceil((1 - bucket.tokens) / refillPerMillisecond / 1000);
    throw throttled(charge, waitSeconds);
  }
}

function throttled(charge: Charge, retryAfterSeconds: number): ArmError {
  const details = {
    operationGroup: charge.name,
    allowedRequestCount: charge.capacity,
    measuredRequestCount: charge.capacity + 1,
  };
  return new ArmError(
    429,
    {
      code: charge.code,
      message:
        `The request is being throttled as the limit of ${charge.name} has been reached. ` +
        `Please retry after ${retryAfterSeconds} seconds.`,
      details: [{ code: 'TooManyRequests', target: charge.name, message: JSON.stringify(details) }],
    },
    { 'retry-after': String(retryAfterSeconds) },
  );
}
