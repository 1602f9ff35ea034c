// Lists: now, or as of a moment ago; whole, or page by page with every page of the same moment.
import type { Backend, Call } from '../backend.ts';
import { asString } from '../objects/json.ts';
import { type KubeObject, keyOf } from '../objects/kube-object.ts';
import { badRequest, cause, expired, invalidOption, StatusError } from '../objects/status-error.ts';
import { representationOf, representList } from './representation.ts';
import { selectionOf } from './selection.ts';

interface Page {
  readonly objects: readonly KubeObject[];
  readonly revision: number;
  readonly next: string | undefined;
  readonly remaining: number;
}

export function listObjects(backend: Backend, call: Call): object {
  const { type, target } = call;
  const { query } = target;
  const representation = representationOf(call.headers['accept'], query, backend.clock.now());
  const selection = selectionOf(call);
  const page = readPage(backend, call, selection.matches, selection.namespace);
  const objects = type.fromShelf ? page.objects.map(type.fromShelf) : page.objects;
  return representList(objects, type, representation, {
    resourceVersion: String(page.revision),
    ...(page.next ? { continue: page.next } : {}),
    ...(page.next && !selection.selective ? { remainingItemCount: page.remaining } : {}),
  });
}

function readPage(
  backend: Backend,
  call: Call,
  matches: (object: KubeObject) => boolean,
  namespace: string | undefined,
): Page {
  const { query } = call.target;
  const limit = Number(query.get('limit') ?? 0);
  const token = query.get('continue');
  const { revision, after } = token
    ? readToken(token, query)
    : { revision: wantedRevision(backend, query), after: '' };
  const shelf = backend.store.shelf(call.type.shelf);
  const all = revision === undefined ? shelf.list(namespace) : shelf.listAt(revision, namespace);
  if (!all) {
    throw expired(
      token
        ? 'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.'
        : `The resourceVersion for the provided list is too old.`,
    );
  }
  const listed = revision ?? backend.store.revision;
  const rest = all.filter((object) => matches(object) && (!after || keyOf(object) > after));
  if (!(limit > 0) || rest.length <= limit) {
    return { objects: rest, revision: listed, next: undefined, remaining: 0 };
  }
  const objects = rest.slice(0, limit);
  const next = writeToken(listed, keyOf(objects.at(-1)!));
  return { objects, revision: listed, next, remaining: rest.length - limit };
}

/** The revision to list at, or undefined for the newest, which also satisfies "not older than". */
function wantedRevision(backend: Backend, query: URLSearchParams): number | undefined {
  const version = query.get('resourceVersion') ?? '';
  const match = query.get('resourceVersionMatch') ?? '';
  const field = 'resourceVersionMatch';
  if (match && !version) {
    const words = 'resourceVersionMatch is forbidden unless resourceVersion is provided';
    throw invalidOption('ListOptions', cause.forbidden(field, words));
  }
  if (match && match !== 'Exact' && match !== 'NotOlderThan') {
    const supported = ['Exact', 'NotOlderThan', ''];
    throw invalidOption('ListOptions', cause.notSupported(field, match, supported));
  }
  if (!version) return undefined;
  const revision = parseRevision(version);
  if (revision > backend.store.revision) throw tooLarge(revision, backend.store.revision);
  if (match === 'Exact') {
    if (revision > 0) return revision;
    const words = 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"';
    throw invalidOption('ListOptions', cause.forbidden(field, words));
  }
  return undefined;
}

export function parseRevision(text: string): number {
  if (!/^\d+$/.test(text)) {
    throw badRequest(
      `Invalid value: "${text}": strconv.ParseUint: parsing "${text}": invalid syntax`,
    );
  }
  return Number(text);
}

export function tooLarge(wanted: number, current: number): StatusError {
  return new StatusError(
    504,
    'Timeout',
    `Too large resource version: ${wanted}, current: ${current}`,
    {
      causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
      retryAfterSeconds: 1,
    },
  );
}

function writeToken(revision: number, after: string): string {
  return Buffer.from(JSON.stringify({ v: 1, rv: revision, after })).toString('base64url');
}

function readToken(token: string, query: URLSearchParams): { revision: number; after: string } {
  const version = query.get('resourceVersion') ?? '';
  if (version && version !== '0') {
    throw badRequest('specifying resource version is not allowed when using continue');
  }
  try {
    const { v, rv, after } = JSON.parse(Buffer.from(token, 'base64url').toString());
    if (v === 1 && typeof rv === 'number') return { revision: rv, after: asString(after) };
  } catch {
    // A token that isn't ours is told so below.
  }
  throw badRequest('continue key is not valid: the token is malformed');
}
