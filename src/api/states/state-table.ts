// The life of one kind as data: what its phases mean and how it passes from one to another. The pages of
// docs/states are made from these tables, and tests hold them against what the planners do.

export interface Transition<Phase extends string> {
  readonly from: Phase;
  /** `gone`: the record is deleted. */
  readonly to: Phase | 'gone';
  readonly when: string;
}

export interface StateTable<Phase extends string = string> {
  readonly kind: string;
  /** As in `docs/states/<stem>.md`. */
  readonly stem: string;
  readonly intro: string;
  readonly first: Phase;
  readonly phases: Readonly<Record<Phase, string>>;
  /** Absent where the phase is read off the world each time, whatever it was before. */
  readonly transitions?: readonly Transition<Phase>[];
}

/** One line for each way out of a phase. */
export function transitions<Phase extends string>(
  ways: { readonly [From in Phase]?: { readonly [To in Phase | 'gone']?: string } },
): Transition<Phase>[] {
  return Object.entries(ways).flatMap(([from, targets]) =>
    Object.entries(targets as Record<string, string>).map(([to, when]) => ({
      from: from as Phase,
      to: to as Phase | 'gone',
      when,
    })),
  );
}
