// Lists in pages, so that no single answer is large enough to hold up the event loop.
import { type AnyObject, apiVersionOf, type Resource } from '../api/object.ts';
import type { Connection } from './connection.ts';
import { collectionPath } from './resource-path.ts';

/** Some 0.5–1 MB of JSON: parsed in 10–20 ms. */
const PAGE_SIZE = 250;

export interface Selection {
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
}

export interface ListPage<T> {
  readonly items: readonly T[];
  /** The same on every page: the moment of the snapshot. */
  readonly resourceVersion: string;
}

interface ListBody<T> {
  readonly items: T[] | null;
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
}

/** One consistent snapshot; throws a Gone error if it expires before the last page. */
export async function* listPages<T extends AnyObject>(
  connection: Connection,
  resource: Resource<T>,
  selection: Selection & { readonly signal?: AbortSignal } = {},
): AsyncGenerator<ListPage<T>> {
  const path = collectionPath(resource, selection.namespace);
  const type = { apiVersion: apiVersionOf(resource), kind: resource.kind };
  let next: string | undefined;
  do {
    const body = await connection.call<ListBody<T>>({
      method: 'GET',
      path,
      query: {
        limit: String(PAGE_SIZE),
        continue: next,
        labelSelector: selection.labelSelector,
        fieldSelector: selection.fieldSelector,
      },
      signal: selection.signal,
    });
    // Items of built-in kinds come without their type; everywhere else an object carries it.
    const items = (body.items ?? []).map((item) => ({ ...type, ...item }));
    yield { items, resourceVersion: body.metadata?.resourceVersion ?? '' };
    next = body.metadata?.continue;
    // Pages that come faster than timers and sockets get their turn must not starve them.
    await new Promise<void>((resolve) => setImmediate(resolve));
  } while (next);
}
