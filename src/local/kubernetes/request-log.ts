// What was asked of the server and how it ended: told to listeners and counted, so that "nothing
// is written in the steady state" can be observed.
import { createMetrics } from '../../runtime/metrics.ts';

/** What a request is about. Empty strings where something does not apply. */
export interface RequestFacts {
  /** get, list, watch, create, update, patch, apply, delete, deletecollection, or an HTTP method. */
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly user: string;
  /** The first word of the user agent. */
  readonly client: string;
}

export interface RequestRecord extends RequestFacts {
  /** HTTP status; 0 when the connection broke. */
  readonly code: number;
  readonly durationMilliseconds: number;
}

const WRITES = new Set(['create', 'update', 'patch', 'apply', 'delete', 'deletecollection']);

export function isWrite(facts: RequestFacts): boolean {
  return WRITES.has(facts.verb);
}

export class RequestLog {
  readonly #metrics = createMetrics();
  readonly #listeners = new Set<(record: RequestRecord) => void>();
  readonly #total = this.#metrics.counter(
    'apiserver_request_total',
    'Requests by verb, resource, client and answer',
    ['verb', 'group', 'resource', 'subresource', 'client', 'code'],
  );

  /** The returned function ends the subscription. */
  subscribe(listener: (record: RequestRecord) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  add(record: RequestRecord): void {
    const { verb, group, resource, subresource, client, code } = record;
    this.#total.increment({ verb: verb.toUpperCase(), group, resource, subresource, client, code });
    for (const listener of this.#listeners) listener(record);
  }

  expose(): Promise<string> {
    return this.#metrics.expose();
  }
}
