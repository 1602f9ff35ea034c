// Functions on lists: sums, extremes, order and positions.
import type { Environment } from '@marcbachmann/cel-js';

type Comparable = bigint | number | string | boolean;

export function registerListFunctions(environment: Environment): void {
  environment
    .registerFunction('list.isSorted(): bool', (items: Comparable[]) =>
      items.every((item, index) => index === 0 || items[index - 1]! <= item),
    )
    .registerFunction('list.sum(): dyn', sum)
    .registerFunction('list.min(): dyn', (items: Comparable[]) => pick(items, (a, b) => a < b))
    .registerFunction('list.max(): dyn', (items: Comparable[]) => pick(items, (a, b) => a > b))
    .registerFunction('list.indexOf(dyn): int', (items: unknown[], wanted: unknown) =>
      BigInt(items.indexOf(wanted)),
    )
    .registerFunction('list.lastIndexOf(dyn): int', (items: unknown[], wanted: unknown) =>
      BigInt(items.lastIndexOf(wanted)),
    );
}

function sum(items: (bigint | number)[]): bigint | number {
  if (items.length === 0) return 0n;
  return items.reduce((total, item) => ((total as number) + (item as number)) as never);
}

function pick(items: Comparable[], better: (a: Comparable, b: Comparable) => boolean): Comparable {
  const [first, ...rest] = items;
  if (first === undefined) throw new Error('min or max called on an empty list');
  return rest.reduce((best, item) => (better(item, best) ? item : best), first);
}
