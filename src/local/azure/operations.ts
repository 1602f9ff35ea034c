// Long-running operations: accepted now, finished later, watched through URLs that only their
// maker can write. Work is finished lazily, in due order, whenever someone looks at the cloud; so
// simulated time needs no timers and a restart loses nothing.
import { createHash } from 'node:crypto';
import type { Leftover } from './faults.ts';
import type { Json, JsonObject } from './json.ts';

export type OperationKind =
  | 'disk.write'
  | 'disk.delete'
  | 'snapshot.write'
  | 'snapshot.delete'
  | 'virtualMachine.create'
  | 'virtualMachine.update'
  | 'virtualMachine.delete'
  | 'virtualMachine.power'
  | 'virtualMachine.runCommand'
  | 'virtualMachine.evict'
  | 'networkInterface.delete'
  | 'resource.fail';

export interface OperationFailure {
  readonly code: string;
  readonly message: string;
  readonly leaves?: readonly Leftover[];
}

export interface Operation {
  readonly id: string;
  readonly kind: OperationKind;
  readonly subscriptionId: string;
  readonly provider: 'Microsoft.Compute' | 'Microsoft.Network';
  readonly location: string;
  /** Disks have operation URLs of their own. */
  readonly segment: 'operations' | 'DiskOperations';
  readonly resourceId: string;
  readonly startedAt: number;
  /** Undefined: it never ends. */
  readonly dueAt: number | undefined;
  /** What finishing needs to know. */
  readonly input: JsonObject;
  readonly pollRetryAfterSeconds?: number;
  /** Its URLs answer 404 from the start. */
  readonly lost: boolean;
  /** Set at acceptance when it is bound to fail. */
  failure?: OperationFailure;
  status: 'InProgress' | 'Succeeded' | 'Failed';
  endedAt?: number;
  /** Shown as `properties.output` in the status. */
  output?: Json;
  /** What the Location URL answers in the end. */
  result?: { readonly status: number; readonly body?: Json };
}

/** Beyond so many the oldest finished ones are forgotten early. */
const MAX_OPERATIONS = 20_000;

export class OperationStore {
  readonly #operations = new Map<string, Operation>();
  readonly #inFlight = new Set<Operation>();
  readonly #expiryMilliseconds: number;
  /** So that most looks at the cloud needn't walk over what is in flight. */
  #nothingDueBefore = Number.POSITIVE_INFINITY;
  #onChange: (operation: Operation) => void = () => {};

  constructor(expiryMilliseconds: number) {
    this.#expiryMilliseconds = expiryMilliseconds;
  }

  /** Called for every new operation and when one has ended with all that its end does. */
  onChange(listener: (operation: Operation) => void): void {
    this.#onChange = listener;
  }

  add(operation: Operation): void {
    this.#operations.set(operation.id, operation);
    if (operation.status === 'InProgress') this.#inFlight.add(operation);
    if (hasDueTime(operation))
      this.#nothingDueBefore = Math.min(this.#nothingDueBefore, operation.dueAt);
    this.#onChange(operation);
  }

  announceEnd(operation: Operation): void {
    this.#onChange(operation);
  }

  get(id: string | undefined): Operation | undefined {
    return id === undefined ? undefined : this.#operations.get(id);
  }

  all(): Operation[] {
    return [...this.#operations.values()];
  }

  /** Unfinished operations whose time has come, in the order in which they end. */
  due(now: number): Operation[] {
    if (now < this.#nothingDueBefore) return [];
    const due: (Operation & { readonly dueAt: number })[] = [];
    let next = Number.POSITIVE_INFINITY;
    for (const operation of this.#inFlight) {
      if (!hasDueTime(operation)) continue;
      if (operation.dueAt <= now) due.push(operation);
      else next = Math.min(next, operation.dueAt);
    }
    this.#nothingDueBefore = next;
    return due.sort((left, right) => left.dueAt - right.dueAt);
  }

  end(operation: Operation, at: number, failure: OperationFailure | undefined): void {
    operation.status = failure ? 'Failed' : 'Succeeded';
    if (failure) operation.failure = failure;
    operation.endedAt = at;
    this.#inFlight.delete(operation);
  }

  forgetExpired(now: number): void {
    for (const operation of this.#operations.values()) {
      const tooMany = this.#operations.size > MAX_OPERATIONS;
      // Insertion order is close enough to age: stop at the first that is young.
      if (!tooMany && operation.startedAt + this.#expiryMilliseconds > now) return;
      if (operation.status !== 'InProgress') this.#operations.delete(operation.id);
    }
  }
}

function hasDueTime(operation: Operation): operation is Operation & { readonly dueAt: number } {
  return operation.dueAt !== undefined;
}

export type UrlPurpose = 'status' | 'result';

/** The signed part of an operation URL: long, opaque, and checked. */
export function operationSignature(operation: Operation, purpose: UrlPurpose): string {
  return createHash('sha256').update(`${purpose} ${operation.id}`).digest('base64url');
}

// Real URLs carry a certificate; about this long. Whoever stores the URL must have room for it.
const CERTIFICATE_BLOCKS = 88;
const certificate = Array.from({ length: CERTIFICATE_BLOCKS }, (_, block) =>
  createHash('sha256').update(`certificate ${block}`).digest('base64url'),
).join('');

export function operationUrl(baseUrl: string, operation: Operation, purpose: UrlPurpose): string {
  const { subscriptionId, provider, location, segment, id } = operation;
  const path = `/subscriptions/${subscriptionId}/providers/${provider}/locations/${location}`;
  const query = new URLSearchParams({
    p: createHash('sha256').update(location).digest('hex').slice(0, 32),
    ...(purpose === 'result' ? { monitor: 'true' } : {}),
    'api-version': '2025-04-01',
    t: String(operation.startedAt),
    c: certificate,
    s: operationSignature(operation, purpose),
  });
  return `${baseUrl}${path}/${segment}/${id}?${query}`;
}
