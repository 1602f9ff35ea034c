// Durations as Go writes them: `10m`, `1h30m`, `250ms`. Parsing without a dependency, so that
// plans and agents can use it.

/** RE2; what an API server accepts as a duration. A unit is required, also for zero (`0s`). */
export const durationPattern = '^([0-9]+(\\.[0-9]+)?(ms|s|m|h))+$';

const unitMilliseconds = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 } as const;
type Unit = keyof typeof unitMilliseconds;

const whole = new RegExp(durationPattern);
const part = /([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)/g;

/** Milliseconds, rounded to a whole one. Throws RangeError for text the schema would refuse. */
export function parseDuration(text: string): number {
  if (!whole.test(text)) {
    throw new RangeError(
      `"${text}" is not a duration: write numbers with units, such as 90s or 1h30m`,
    );
  }
  let total = 0;
  for (const [, amount, unit] of text.matchAll(part)) {
    total += Number(amount) * unitMilliseconds[unit as Unit];
  }
  return Math.round(total);
}

/** The shortest exact text: 5,400,000 is `1h30m`, 250 is `250ms`, 0 is `0s`. */
export function formatDuration(milliseconds: number): string {
  if (!Number.isFinite(milliseconds) || milliseconds < 0) {
    throw new RangeError(`a duration can't be ${milliseconds} milliseconds`);
  }
  let rest = Math.round(milliseconds);
  let text = '';
  for (const [unit, size] of Object.entries(unitMilliseconds)) {
    const amount = Math.floor(rest / size);
    if (amount > 0) text += `${amount}${unit}`;
    rest -= amount * size;
  }
  return text === '' ? '0s' : text;
}
