// What every member's planner answers, and how it sees the operation that it waits for.

export interface MemberPlan<Step, Status> {
  /** At most one effect; its outcome is looked at in the next pass. */
  readonly step: Step | undefined;
  readonly because: string;
  readonly status: Status;
  /** Look again after this long even if nothing is heard. */
  readonly waitMilliseconds?: number;
}

export type OperationSeen =
  | { readonly state: 'InProgress' | 'Unknown' }
  | { readonly state: 'Succeeded'; readonly output?: unknown }
  | { readonly state: 'Failed'; readonly code: string; readonly message: string };
