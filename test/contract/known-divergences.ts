// Where the two sides are known to differ, and why that is accepted. Each line is a debt: it
// names the case, the side that is skipped and the reason that is printed.
export interface KnownDivergence {
  readonly case: string;
  readonly on: 'embedded' | 'cluster';
  readonly reason: string;
}

export const knownDivergences: readonly KnownDivergence[] = [];
