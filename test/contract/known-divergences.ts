// Where the embedded API, or a real cluster of some version, is known to differ, and why that is
// accepted for now. Each line is a debt: the case still runs and is reported as `todo`, with the
// reason; when it passes, the line goes.
export interface KnownDivergence {
  /** `topic: case`, as the report prints them. */
  readonly case: string;
  readonly on: 'embedded' | 'cluster';
  readonly reason: string;
}

export const knownDivergences: readonly KnownDivergence[] = [
  {
    case: 'validation: fieldValidation=Strict refuses fields given twice',
    on: 'embedded',
    reason: 'The JSON parser keeps the last of two equal keys without telling.',
  },
  {
    case: 'validation: a definition with a rule that does not compile is refused',
    on: 'embedded',
    reason:
      'CEL is evaluated without a type checker; our own definitions are checked on a real one.',
  },
  {
    case: 'watches: a version that is long forgotten is Expired',
    on: 'embedded',
    reason: 'It remembers from the start until it is told to compact; then it answers the same.',
  },
  {
    case: 'built-ins: a token can be bound to an object and dies with it',
    on: 'embedded',
    reason: 'Tokens are bound to pods and nodes only; nothing here binds one to a Secret.',
  },
];
