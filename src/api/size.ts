// Sizes for people, as statuses and columns show them: printer columns can't compute.

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'] as const;

/** Binary units, one decimal below ten: 1099511627776 is `1.0 TiB`, 536870912 is `512 MiB`. */
export function formatBytes(bytes: number): string {
  let size = bytes;
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit += 1;
  }
  // 1023.96 KiB would round to 1024 KiB; the next unit says it better.
  if (Math.round(size) >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${unit > 0 && size < 9.95 ? size.toFixed(1) : Math.round(size)} ${units[unit]}`;
}

/** Whole percent, rounded up so that a full filesystem never looks less than full; 0 of 0 is 0. */
export function usePercent(usedBytes: number, availableBytes: number): number {
  const total = usedBytes + availableBytes;
  return total <= 0 ? 0 : Math.min(100, Math.ceil((usedBytes / total) * 100));
}
