// Quantities such as `10Gi` in CEL: comparing and adding them.
import type { Environment } from '@marcbachmann/cel-js';

const SUFFIXES: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};
const QUANTITY = /^([-+]?(?:\d+\.?\d*|\.\d+))(?:([eE][-+]?\d+)|([KMGTPE]i|[numkMGTPE])?)$/;

class Quantity {
  readonly amount: number;

  constructor(amount: number) {
    this.amount = amount;
  }
}

function parse(text: string): Quantity | undefined {
  const match = QUANTITY.exec(text);
  if (!match) return undefined;
  const [, digits, exponent = '', suffix = ''] = match;
  return new Quantity(Number(`${digits}${exponent}`) * SUFFIXES[suffix]!);
}

export function registerQuantity(environment: Environment): void {
  environment
    .registerType('Quantity', { ctor: Quantity as never, fields: {} })
    .registerFunction('isQuantity(string): bool', (text: string) => parse(text) !== undefined)
    .registerFunction('quantity(string): Quantity', (text: string) => {
      const quantity = parse(text);
      if (!quantity) throw new Error(`quantities must match the regular expression: ${text}`);
      return quantity;
    })
    .registerFunction('Quantity.isGreaterThan(Quantity): bool', (a, b) => a.amount > b.amount)
    .registerFunction('Quantity.isLessThan(Quantity): bool', (a, b) => a.amount < b.amount)
    .registerFunction('Quantity.compareTo(Quantity): int', (a, b) =>
      BigInt(Math.sign(a.amount - b.amount)),
    )
    .registerFunction('Quantity.sign(): int', (a) => BigInt(Math.sign(a.amount)))
    .registerFunction('Quantity.isInteger(): bool', (a) => Number.isSafeInteger(a.amount))
    .registerFunction('Quantity.asInteger(): int', (a) => BigInt(a.amount))
    .registerFunction('Quantity.asApproximateFloat(): double', (a) => a.amount)
    .registerFunction(
      'Quantity.add(Quantity): Quantity',
      (a, b) => new Quantity(a.amount + b.amount),
    )
    .registerFunction(
      'Quantity.sub(Quantity): Quantity',
      (a, b) => new Quantity(a.amount - b.amount),
    );
}
