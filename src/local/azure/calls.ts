// One request on its way through the cloud, and the state every handler works on.
import type { Runtime } from '../../runtime/index.ts';
import { randomUuid } from '../../runtime/random.ts';
import type { AddressBook } from './address-book.ts';
import type { Capacity } from './capacity.ts';
import { type DurationName, drawMilliseconds } from './durations.ts';
import { effectOf, type FaultBook, type FaultEffect } from './faults.ts';
import type { JsonObject } from './json.ts';
import type { Reply } from './messages.ts';
import {
  type Operation,
  type OperationFailure,
  type OperationKind,
  type OperationStore,
  operationUrl,
} from './operations.ts';
import type { ResourceRecord } from './records.ts';
import { formatResourceId } from './resource-ids.ts';
import type { ResourceStore } from './resource-store.ts';
import type { SimulatedAzureSettings } from './settings.ts';

/** The simulator's state and its means; handed to every handler. */
export interface Cloud {
  readonly runtime: Runtime;
  readonly settings: SimulatedAzureSettings;
  readonly resources: ResourceStore;
  readonly operations: OperationStore;
  readonly faults: FaultBook;
  readonly capacity: Capacity;
  readonly addresses: AddressBook;
  /** Ends an operation now, as failed or not, and does what its end does. */
  finish(operation: Operation, at: number, failure: OperationFailure | undefined): void;
}

export interface Call {
  /** `disks.createOrUpdate`: the client library's words. */
  readonly operation: string;
  readonly subscriptionId: string;
  readonly resourceGroup: string;
  /** The resource type of the path: `Microsoft.Compute/disks`. */
  readonly type: string;
  readonly name: string;
  readonly location: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: JsonObject;
  readonly effects: readonly FaultEffect[];
  readonly now: number;
}

export type Handler = (cloud: Cloud, call: Call) => Reply;

export function targetId(call: Call): string {
  return formatResourceId(call);
}

/** Azure's own way to write a moment: seven digits and an offset. */
export function formatMoment(epochMilliseconds: number): string {
  return new Date(epochMilliseconds).toISOString().replace('Z', '0000+00:00');
}

export interface OperationOrder {
  readonly kind: OperationKind;
  readonly resource: ResourceRecord;
  readonly duration: DurationName;
  /** Added to the drawn duration, already divided by the speed. */
  readonly extraMilliseconds?: number;
  readonly input?: JsonObject;
  readonly failure?: OperationFailure | undefined;
  readonly pollRetryAfterSeconds?: number;
  /** Happens beside other operations on the resource instead of blocking them. */
  readonly background?: boolean;
}

/** Accepts work to be finished later. Injected faults may slow it, fail it or lose its URL. */
export function startOperation(
  cloud: Cloud,
  call: Pick<Call, 'effects' | 'now'>,
  order: OperationOrder,
): Operation {
  const { runtime, settings } = cloud;
  const factor = effectOf(call.effects, 'slowOperation')?.factor ?? 1;
  const drawn = drawMilliseconds(
    runtime.random,
    settings.durations[order.duration],
    settings.speed,
  );
  const duration = (drawn + (order.extraMilliseconds ?? 0)) * factor;
  const injected = effectOf(call.effects, 'failOperation');
  const failure = injected
    ? { message: 'The operation failed (injected).', ...injected }
    : order.failure;
  const linger = effectOf(call.effects, 'lingerAfterDelete');
  const network = order.resource.kind === 'networkInterface';
  const disks = order.resource.kind === 'disk' || order.resource.kind === 'snapshot';
  const operation: Operation = {
    id: randomUuid(runtime.random),
    kind: order.kind,
    subscriptionId: order.resource.subscriptionId,
    provider: network ? 'Microsoft.Network' : 'Microsoft.Compute',
    location: order.resource.location,
    segment: disks ? 'DiskOperations' : 'operations',
    resourceId: order.resource.id,
    startedAt: call.now,
    dueAt: effectOf(call.effects, 'stuckOperation') ? undefined : call.now + duration,
    input: { ...order.input, ...(linger && { lingerSeconds: linger.forSeconds }) },
    lost: effectOf(call.effects, 'loseOperation') !== undefined,
    status: 'InProgress',
    ...(failure && { failure }),
    ...(order.pollRetryAfterSeconds && { pollRetryAfterSeconds: order.pollRetryAfterSeconds }),
  };
  cloud.operations.add(operation);
  const later = effectOf(call.effects, 'failLater');
  if (later && operation.dueAt !== undefined)
    cloud.operations.add({
      ...operation,
      id: randomUuid(runtime.random),
      kind: 'resource.fail',
      dueAt: operation.dueAt + (later.afterSeconds * 1000) / settings.speed,
    });
  if (!order.background) order.resource.operationId = operation.id;
  return operation;
}

/** A polling hint in whole seconds, shortened with the operations; none when it rounds to zero. */
export function retryAfterHint(cloud: Cloud, seconds: number): Record<string, string> {
  const scaled = Math.round(seconds / cloud.settings.speed);
  return scaled > 0 ? { 'retry-after': String(scaled) } : {};
}

export interface AcceptedOptions {
  readonly status: number;
  readonly body?: unknown;
  /** Which URLs the answer names. */
  readonly headers: 'asyncOperation' | 'location' | 'both';
  readonly retryAfterSeconds?: number;
  readonly etag?: string;
}

export function accepted(cloud: Cloud, operation: Operation, options: AcceptedOptions): Reply {
  const base = cloud.settings.resourceManagerUrl;
  const headers: Record<string, string> = {
    ...(options.headers !== 'location' && {
      'azure-asyncoperation': operationUrl(base, operation, 'status'),
      ...(operation.segment === 'operations' && { 'azure-asyncnotification': 'Enabled' }),
    }),
    ...(options.headers !== 'asyncOperation' && {
      location: operationUrl(base, operation, 'result'),
    }),
    ...(options.retryAfterSeconds && retryAfterHint(cloud, options.retryAfterSeconds)),
    ...(options.etag && { etag: options.etag }),
  };
  return { status: options.status, headers, body: options.body };
}

/** An injected change of fortune: what had succeeded is Failed from now on. */
export function finishByFailing(cloud: Cloud, operation: Operation, at: number): void {
  const { resources } = cloud;
  for (const kind of ['disk', 'snapshot', 'virtualMachine', 'networkInterface'] as const) {
    const record = resources.get(kind, operation.resourceId);
    if (!record || record.operationId !== undefined) continue;
    record.provisioningState = 'Failed';
    if (record.kind === 'virtualMachine') record.etag++;
    resources.save(record, at);
  }
}

/** How long a deleted resource still answers reads after `at`, when a fault says so. */
export function lingerUntil(operation: Operation, at: number): { lingerUntil?: number } {
  const seconds = operation.input['lingerSeconds'];
  return typeof seconds === 'number' ? { lingerUntil: at + seconds * 1000 } : {};
}

/** When a created resource becomes readable, if a fault hides it. */
export function hiddenUntil(call: Call): { hiddenUntil?: number } {
  const hide = effectOf(call.effects, 'hideAfterCreate');
  return hide ? { hiddenUntil: call.now + hide.forSeconds * 1000 } : {};
}
