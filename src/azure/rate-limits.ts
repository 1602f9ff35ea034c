// Azure's token buckets as its headers describe them, and what is known of their size.
import type { ArmAnswer } from './failures.ts';

export interface BucketReading {
  readonly name: string;
  readonly remaining: number;
}

export interface BucketSize {
  readonly capacity: number;
  readonly refillPerMinute: number;
}

const size = (capacity: number, refillPerMinute: number): BucketSize => ({
  capacity,
  refillPerMinute,
});

/** As published and as seen in answers; a bucket that isn't here is judged by its best reading. */
const knownSizes: readonly (readonly [RegExp, BucketSize])[] = [
  [/^subscription-reads$/, size(250, 1500)],
  [/^subscription-(writes|deletes)$/, size(200, 600)],
  [/^subscription-global-reads$/, size(3750, 22_500)],
  [/^subscription-global-(writes|deletes)$/, size(3000, 9000)],
  [/^(Put|Update|Delete)VMResource$/, size(12, 4)],
  [/^(Put|Update|Delete)VMSubscriptionMaximum$/, size(1500, 500)],
  [/^LowCostGetResource$/, size(36, 12)],
  [/^LowCostGetSubscriptionMaximum$/, size(24_000, 8000)],
  [/^HighCostGetSubscriptionMaximum$/, size(900, 300)],
  [/^GetOperationResource$/, size(45, 15)],
  [/^GetOperationSubscriptionMaximum$/, size(15_000, 5000)],
  [/^CreateUpdateDisks3Min$/, size(3000, 1000)],
  [/^CreateUpdateDisks30Min$/, size(25_000, 833)],
  [/^GetOperation3Min$/, size(50_000, 16_667)],
];

export function knownSize(name: string): BucketSize | undefined {
  return knownSizes.find(([pattern]) => pattern.test(name))?.[1];
}

/** Buckets of one VM (or one operation on it) end in `Resource`; the rest are a subscription's. */
export function isPerResource(name: string): boolean {
  return name.endsWith('Resource');
}

/** The front door's bucket for a method. */
export function frontDoorBucket(method: string): string {
  const kind = method === 'GET' ? 'reads' : method === 'DELETE' ? 'deletes' : 'writes';
  return `subscription-${kind}`;
}

const frontDoorBuckets = [
  'subscription-reads',
  'subscription-writes',
  'subscription-deletes',
  'subscription-global-reads',
  'subscription-global-writes',
  'subscription-global-deletes',
];

/** What is left, from both families of headers. */
export function readBuckets(answer: ArmAnswer): readonly BucketReading[] {
  const readings: BucketReading[] = [];
  for (const name of frontDoorBuckets)
    add(readings, name, answer.header(`x-ms-ratelimit-remaining-${name}`));
  // `Microsoft.Compute/PutVMResource;10,Microsoft.Compute/PutVMSubscriptionMaximum;1495`
  for (const part of (answer.header('x-ms-ratelimit-remaining-resource') ?? '').split(',')) {
    const [path = '', remaining] = part.trim().split(';');
    add(readings, path.slice(path.lastIndexOf('/') + 1), remaining);
  }
  return readings;
}

function add(readings: BucketReading[], name: string, value: string | undefined): void {
  const remaining = Number(value);
  if (name && value !== undefined && value !== '' && Number.isFinite(remaining))
    readings.push({ name, remaining });
}
