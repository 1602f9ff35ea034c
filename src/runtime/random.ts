// Randomness is a port so that a seed replays a run exactly.
import { randomBytes } from 'node:crypto';

export interface Random {
  /** A float in [0, 1). */
  next(): number;
  bytes(count: number): Uint8Array;
}

/** One system call for many small requests: asking for 16 bytes at a time showed in profiles. */
const POOL_BYTES = 8192;
let pool = randomBytes(0);

export const systemRandom: Random = {
  next: () => Math.random(),
  bytes: (count) => {
    if (count > POOL_BYTES) return randomBytes(count);
    if (pool.length < count) pool = randomBytes(POOL_BYTES);
    const taken = pool.subarray(0, count);
    pool = pool.subarray(count);
    return taken;
  },
};

/** Mulberry32: small, fast, and good enough for jitter, names and simulations (not for secrets). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return { next, bytes: (count) => Uint8Array.from({ length: count }, () => next() * 256) };
}

/** A random (version 4) UUID from the given source. */
export function randomUuid(random: Random): string {
  const bytes = Uint8Array.from(random.bytes(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = Buffer.from(bytes).toString('hex');
  return [8, 12, 16, 20, 32].map((end, i, ends) => hex.slice(ends[i - 1] ?? 0, end)).join('-');
}

/** `value` spread by ± `fraction` (0.1 = ten percent), so that many clients do not act in step. */
export function jitter(random: Random, value: number, fraction: number): number {
  return value * (1 + fraction * (random.next() * 2 - 1));
}
