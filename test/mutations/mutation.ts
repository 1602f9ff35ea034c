// A defect that can be put into our own code, and the test that must notice it.

export interface Edit {
  /** Relative to the repository. */
  readonly file: string;
  /** Must stand in the file exactly once: when the code moved on, the mutation has to follow. */
  readonly find: string;
  readonly replace: string;
}

export interface Mutation {
  /** What goes wrong, as a sentence, and where it was seen. */
  readonly defect: string;
  readonly edits: readonly Edit[];
  /** The file whose test must notice. */
  readonly test: string;
  /** The names of its tests that must pass without the defect and fail with it, each of them. */
  readonly killedBy: readonly string[];
}
