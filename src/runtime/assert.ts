/** For programmer errors only; stays on in production because a wrong assumption may cost data. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${message}`);
}

/** For `default:` branches of closed unions: the compiler proves that it can't be reached. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`);
}
