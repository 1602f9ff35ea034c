// A few calls at a time: Azure's and the API server's budgets belong to claims first.

const CALLS_AT_ONCE = 8;

/** Works on all items, eight at a time; rejects with the first error once what was begun has ended. */
export async function inParallel<T>(
  items: readonly T[],
  work: (item: T) => Promise<void>,
): Promise<void> {
  const pending = [...items];
  const errors: unknown[] = [];
  const next = async (): Promise<void> => {
    for (let item = pending.shift(); item !== undefined; item = pending.shift()) {
      if (errors.length > 0) return;
      await work(item).catch((error) => errors.push(error));
    }
  };
  await Promise.all(Array.from({ length: Math.min(CALLS_AT_ONCE, items.length) }, next));
  if (errors.length > 0) throw errors[0];
}
