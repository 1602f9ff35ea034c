// What every kind of resource offers inside this room; index.ts puts the kinds together to the port.
import type { ArmCall } from './calls.ts';
import type { ArmClient } from './client.ts';
import { provesAbsence } from './error-catalogue.ts';
import { CloudError } from './errors.ts';
import { describe } from './failures.ts';
import type {
  AzureCloud,
  CallContext,
  CloudTypes,
  Operation,
  ResourceId,
  ResourceKind,
  TagChange,
} from './port.ts';

export type TagContext = Parameters<AzureCloud['tag']>[3];

export interface ResourceAdapter<K extends ResourceKind> {
  get(id: ResourceId, context: CallContext): Promise<CloudTypes[K]['observed'] | undefined>;
  create(intent: CloudTypes[K]['intent'], context: CallContext): Promise<Operation | undefined>;
  delete(id: ResourceId, context: CallContext): Promise<Operation | undefined>;
  tag(id: ResourceId, tags: TagChange, context: TagContext): Promise<void>;
}

export type AdapterMaker<K extends ResourceKind> = (client: ArmClient) => ResourceAdapter<K>;

/** A 404 that proves absence becomes undefined; a missing subscription, say, stays an error. */
export async function orAbsent<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (thrown) {
    if (thrown instanceof CloudError && isAbsence(thrown)) return undefined;
    throw thrown;
  }
}

function isAbsence(error: CloudError): boolean {
  const { azureCode: code, message, statusCode } = error;
  return provesAbsence({ code, message, ...(statusCode !== undefined && { statusCode }) });
}

export function resourceMissing(call: ArmCall): CloudError {
  return new CloudError(`${call.target} does not exist.`, {
    class: 'NotFound',
    azureCode: 'ResourceNotFound',
    statusCode: 404,
    call: describe(call),
    outcome: 'refused',
    retry: 'backoff',
  });
}

/** RFC 3339, or undefined for a date the SDK could not read. */
export function timeText(date: Date | undefined): string | undefined {
  return date && Number.isFinite(date.getTime()) ? date.toISOString() : undefined;
}

/** The object without its undefined members: what is not known is not there. */
export function known<T extends object>(object: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const entries = Object.entries(object).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]: Exclude<T[K], undefined> };
}
