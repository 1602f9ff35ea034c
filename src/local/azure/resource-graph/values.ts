// Values of the query language: what equality, order and text mean for them.

export type Value = null | boolean | number | string | Date | Value[] | { [key: string]: Value };

/** A column's value as text; missing is the empty string, as `tostring` has it. */
export function textOf(value: Value): string {
  if (value === null) return '';
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'object') return JSON.stringify(value);
  return String(value);
}

export function numberOf(value: Value): number | null {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value !== 'string' || value.trim() === '') return null;
  const parsed = Number(value);
  return Number.isFinite(parsed) ? parsed : null;
}

export function dateOf(value: Value): Date | null {
  if (value instanceof Date) return value;
  if (typeof value !== 'string' || value === '') return null;
  const parsed = new Date(value);
  return Number.isNaN(parsed.getTime()) ? null : parsed;
}

/** Negative, zero or positive; undefined where the two can't be compared. */
export function compareValues(left: Value, right: Value): number | undefined {
  if (left === null || right === null) return undefined;
  if (left instanceof Date || right instanceof Date) {
    const [a, b] = [dateOf(left), dateOf(right)];
    return a && b ? a.getTime() - b.getTime() : undefined;
  }
  if (typeof left === 'number' || typeof right === 'number') {
    const [a, b] = [numberOf(left), numberOf(right)];
    return a === null || b === null ? undefined : a - b;
  }
  const [a, b] = [textOf(left), textOf(right)];
  return a < b ? -1 : a > b ? 1 : 0;
}

export function equalValues(left: Value, right: Value, ignoreCase: boolean): boolean {
  if (ignoreCase) return textOf(left).toLowerCase() === textOf(right).toLowerCase();
  if (left === null || right === null) return left === right;
  if (typeof left === typeof right && typeof left !== 'object') return left === right;
  return compareValues(left, right) === 0;
}
