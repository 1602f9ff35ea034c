// The operator's memory of what it did, for questions that outlive objects and Events: who had this
// machine last week, why did the pool grow on Sunday. Nothing is ever decided on it.

export const historyEventTypes = [
  /** A pool asked for members, or let go of some. */
  'Scaling',
  /** A claim was given a machine or a disk. */
  'Allocation',
  /** A claim's machine or disk is taken back. */
  'Release',
  /** Any other change of an object's phase. */
  'Transition',
  /** Azure accepted a long-running operation. */
  'Operation',
  /** Azure refused, or did not answer. */
  'Failure',
] as const;

export type HistoryEventType = (typeof historyEventTypes)[number];

export interface HistoryEvent {
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly event: HistoryEventType;
  readonly kind: string;
  readonly namespace: string;
  /** The pool that it belongs to; a pool's own name. Events are found by it. */
  readonly pool: string;
  readonly name: string;
  readonly uid: string;
  /** The action, the operation, the error's code, or the new phase. */
  readonly what: string;
  readonly because: string;
  /** The claim that it is about, `<namespace>/<name>`. */
  readonly claim?: string;
  /** The former phase. */
  readonly from?: string;
  /** How long the former phase lasted. */
  readonly seconds?: number;
  /** The reconcile's id, as sent to Azure and as logged. */
  readonly correlationId?: string;
}

/** Never throws and never waits: what can't be kept is counted and forgotten. */
export interface HistorySink {
  record(event: HistoryEvent): void;
}

/** An event with the random part of its key, so that writing it twice leaves one. */
export interface KeptEvent {
  readonly event: HistoryEvent;
  readonly id: string;
}

export interface HistoryQuery {
  /** All namespaces when absent. */
  readonly namespace?: string;
  readonly pool?: string;
  /** Milliseconds since the epoch; `untilMilliseconds` is exclusive. */
  readonly sinceMilliseconds: number;
  readonly untilMilliseconds: number;
  readonly event?: HistoryEventType;
  readonly limit: number;
}

/** Where history is kept. */
export interface HistoryStore {
  /**
   * Writes all of them; writing the same ones again changes nothing. Rejects when some may not have
   * been written.
   */
  write(events: readonly KeptEvent[], signal: AbortSignal): Promise<void>;
  /** Newest first. */
  read(query: HistoryQuery, signal?: AbortSignal): Promise<readonly HistoryEvent[]>;
}
