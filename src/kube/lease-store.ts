// Where a leader election keeps its record: a Lease, written with optimistic locking.
import { leases } from '../api/built-in.ts';
import type { Connection } from './connection.ts';
import { isNotFound } from './errors.ts';
import { collectionPath, objectPath } from './resource-path.ts';

/** The spec of a coordination.k8s.io/v1 Lease. Times are RFC 3339 with six digits. */
export interface LeaseRecord {
  readonly holderIdentity: string;
  readonly leaseDurationSeconds: number;
  readonly acquireTime: string | undefined;
  readonly renewTime: string;
  readonly leaseTransitions: number;
}

export interface StoredLease {
  readonly record: LeaseRecord;
  readonly resourceVersion: string;
}

/** Writes fail with a conflict when somebody else was faster. */
export interface LeaseStore {
  get(): Promise<StoredLease | undefined>;
  create(record: LeaseRecord): Promise<StoredLease>;
  update(record: LeaseRecord, resourceVersion: string): Promise<StoredLease>;
}

interface LeaseBody {
  readonly metadata: { readonly resourceVersion: string };
  readonly spec?: Partial<LeaseRecord> | null;
}

/** Half of the usual renew deadline: a hanging call leaves time for another. */
const TIMEOUT_MILLISECONDS = 5000;

export function createLeaseStore(
  connection: Connection,
  reference: { readonly namespace: string; readonly name: string },
): LeaseStore {
  const path = objectPath(leases, reference);
  const call = {
    lane: 'election',
    timeoutMilliseconds: TIMEOUT_MILLISECONDS,
    retries: false,
  } as const;
  const body = (record: LeaseRecord, resourceVersion?: string): object => ({
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { ...reference, ...(resourceVersion && { resourceVersion }) },
    spec: record,
  });
  return {
    async get() {
      try {
        return stored(await connection.call<LeaseBody>({ ...call, method: 'GET', path }));
      } catch (error) {
        if (isNotFound(error)) return undefined;
        throw error;
      }
    },
    async create(record) {
      const collection = collectionPath(leases, reference.namespace);
      const request = { ...call, method: 'POST', path: collection, body: body(record) } as const;
      return stored(await connection.call<LeaseBody>(request));
    },
    async update(record, resourceVersion) {
      const request = {
        ...call,
        method: 'PUT',
        path,
        body: body(record, resourceVersion),
      } as const;
      return stored(await connection.call<LeaseBody>(request));
    },
  };
}

function stored(lease: LeaseBody): StoredLease {
  const spec = lease.spec ?? {};
  return {
    resourceVersion: lease.metadata.resourceVersion,
    record: {
      holderIdentity: spec.holderIdentity ?? '',
      leaseDurationSeconds: spec.leaseDurationSeconds ?? 0,
      acquireTime: spec.acquireTime,
      renewTime: spec.renewTime ?? '',
      leaseTransitions: spec.leaseTransitions ?? 0,
    },
  };
}
