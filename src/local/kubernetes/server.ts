// The Kubernetes API without a socket: a request goes in, a response or a stream of watch events
// comes out. All state is in the store; time and chance come from the runtime.
import type { Runtime } from '../../runtime/index.ts';
import { Authenticator } from './authentication/authenticator.ts';
import { actingUser } from './authentication/impersonation.ts';
import { type ReviewAnswer, Reviews } from './authentication/reviews.ts';
import type { User } from './authentication/user.ts';
import {
  type AuthorizationMode,
  allowAll,
  attributesOf,
  demand,
} from './authorization/authorizer.ts';
import { RoleBasedAccess } from './authorization/rbac.ts';
import type { Backend, Call } from './backend.ts';
import { Collector } from './background/collector.ts';
import { Discovery } from './discovery/discovery.ts';
import { OpenApi } from './discovery/open-api.ts';
import { openApiResponse } from './discovery/open-api-routes.ts';
import { discoveryResponse, isPublicPath } from './discovery/routes.ts';
import { ConnectionLost, Faults } from './faults.ts';
import { decodeProtobuf, PROTOBUF } from './http/protobuf.ts';
import type { KubeObject } from './objects/kube-object.ts';
import {
  badRequest,
  methodNotAllowed,
  PageNotFound,
  StatusError,
  unauthorized,
  unknownPath,
} from './objects/status-error.ts';
import { getObject } from './reads/get.ts';
import { listObjects } from './reads/list.ts';
import { representationOf, representOne } from './reads/representation.ts';
import { openWatch, watchLines } from './reads/watch.ts';
import { type ApiRequest, type ApiResponse, jsonResponse, textResponse } from './request.ts';
import { type RequestFacts, RequestLog } from './request-log.ts';
import { customResourceDefinitions } from './resources/cluster.ts';
import { Registry } from './resources/registry.ts';
import type { ResourceType } from './resources/resource-type.ts';
import { seedObjects } from './seed.ts';
import { Journal } from './storage/journal.ts';
import { Store } from './storage/store.ts';
import type { Watcher } from './storage/watcher.ts';
import { parseTarget, splitPath, type Target } from './target.ts';
import { createObject } from './writes/create.ts';
import { deleteObject } from './writes/delete.ts';
import { deleteCollection } from './writes/delete-collection.ts';
import { patchObject } from './writes/patch.ts';
import { updateObject } from './writes/update.ts';

export interface ServerOptions {
  /** Where objects outlive the process; in memory only when absent. */
  readonly dataDirectory?: string | undefined;
  /** Who may do what: everybody everything (the default), or what the stored roles say. */
  readonly authorization?: AuthorizationMode | undefined;
}

export class KubernetesServer {
  readonly store: Store;
  readonly authenticator: Authenticator;
  /** Faults to inject, for tests and simulations. */
  readonly faults: Faults;
  readonly requests = new RequestLog();
  readonly #runtime: Runtime;
  readonly #backend: Backend;
  readonly #discovery: Discovery;
  readonly #openApi: OpenApi;
  readonly #reviews: Reviews;
  readonly #collector: Collector;
  readonly #journal: Journal | undefined;
  readonly #watchers = new Set<Watcher>();

  constructor(runtime: Runtime, options: ServerOptions = {}) {
    const { clock, random } = runtime;
    this.#runtime = runtime;
    const tokenKey = random.bytes(32);
    this.#journal = options.dataDirectory
      ? new Journal(options.dataDirectory, tokenKey)
      : undefined;
    this.store = this.#journal?.store ?? new Store();
    this.faults = new Faults(clock);
    const registry = new Registry();
    const authorizer =
      options.authorization === 'RBAC' ? new RoleBasedAccess(this.store) : allowAll;
    this.#backend = { clock, random, store: this.store, registry, authorizer };
    this.#discovery = new Discovery(registry);
    this.#openApi = new OpenApi(registry);
    this.authenticator = new Authenticator(this.#backend, this.#journal?.tokenKey ?? tokenKey);
    this.#reviews = new Reviews(this.#backend, this.authenticator);
    const { shelf: definitions } = customResourceDefinitions;
    for (const definition of this.store.shelf(definitions).list()) registry.define(definition);
    this.store.onCommit((shelf, change) => {
      if (shelf !== definitions) return;
      if (change.type === 'DELETED') registry.undefine(change.object.metadata.name);
      else registry.define(change.object);
    });
    seedObjects(this.#backend);
    this.#collector = new Collector(this.#backend);
    this.store.onCommit((shelf, change) => this.#collector.observe(shelf, change));
  }

  /** Throws ConnectionLost only, and only when a fault asks for it. */
  async handle(request: ApiRequest): Promise<ApiResponse> {
    const startedAt = this.#runtime.clock.monotonic();
    const user = this.authenticator.authenticate(request);
    const target = parseTarget(request);
    const facts = factsOf(request, target, user);
    let code = 0;
    try {
      const response = await this.#answer(request, { user, target, facts });
      code = response.status;
      return response;
    } finally {
      const durationMilliseconds = this.#runtime.clock.monotonic() - startedAt;
      this.requests.add({ ...facts, code, durationMilliseconds });
    }
  }

  /** Ends all watches; nothing happens in the background any more. */
  close(): void {
    this.#collector.close();
    this.closeWatches();
    this.#journal?.close();
  }

  /** Ends all open watches without an error, as a restarting server does. */
  closeWatches(): void {
    for (const watcher of [...this.#watchers]) watcher.close();
    this.#watchers.clear();
  }

  /** Forgets all history, as a compaction does: watches from an older version get 410. */
  compact(): void {
    for (const shelf of this.store.shelves()) shelf.forget(0);
  }

  async #answer(request: ApiRequest, context: Context): Promise<ApiResponse> {
    try {
      const effect = this.faults.take(context.facts);
      if (effect) await this.faults.before(effect);
      if (!context.user && !isPublicPath(request.path)) throw unauthorized();
      const user = actingUser(request, context.user, this.#backend.authorizer);
      const response = await this.#route(request, { ...context, user });
      if (effect?.type === 'timeout-applied') throw new ConnectionLost();
      if (effect?.type === 'drop-watches') this.closeWatches();
      return response;
    } catch (error) {
      if (error instanceof ConnectionLost) throw error;
      return this.#refusal(error);
    }
  }

  async #route(request: ApiRequest, { user, target }: Context): Promise<ApiResponse> {
    if (user) this.#authorize(request, user, target);
    if (!target || !user) {
      if (splitPath(request.path).segments[0] === 'metrics') {
        return textResponse(200, await this.requests.expose());
      }
      const response =
        discoveryResponse(this.#discovery, request) ?? openApiResponse(this.#openApi, request);
      return response ?? textResponse(404, '404 page not found\n');
    }
    const type = this.#backend.registry.find(target.group, target.version, target.plural);
    const call = {
      target,
      user,
      ...decodedBody(request),
      signal: request.signal,
      warnings: [],
    };
    const answer = this.#reviews.answer(call, type);
    if (answer) return this.#reviewed(answer);
    if (!type) throw new PageNotFound();
    return this.#perform({ ...call, type });
  }

  /** Before anything is said about what exists: a refusal tells nothing else. */
  #authorize(request: ApiRequest, user: User, target: Target | undefined): void {
    const { authorizer } = this.#backend;
    if (target) {
      demand(authorizer, attributesOf(user, target));
    } else if (!isPublicPath(request.path)) {
      const path = request.path.split('?')[0]!;
      const nothing = { group: '', resource: '', subresource: '', namespace: '', name: '' };
      demand(authorizer, { user, verb: request.method.toLowerCase(), ...nothing, path });
    }
  }

  #reviewed(answer: ReviewAnswer): ApiResponse {
    return jsonResponse(201, answer);
  }

  #perform(call: Call): ApiResponse {
    const { target, type } = call;
    checkPlace(type, target);
    switch (target.verb) {
      case 'get':
        return jsonResponse(200, getObject(this.#backend, call));
      case 'list':
        return jsonResponse(200, listObjects(this.#backend, call));
      case 'watch':
        return this.#watch(call);
      case 'create':
        return this.#written(call, 201, createObject(this.#backend, call));
      case 'update': {
        const { object, created } = updateObject(this.#backend, call);
        return this.#written(call, created ? 201 : 200, object);
      }
      case 'patch': {
        const { object, created } = patchObject(this.#backend, call);
        return this.#written(call, created ? 201 : 200, object);
      }
      case 'delete':
        return this.#deleted(call);
      case 'deletecollection':
        return jsonResponse(200, deleteCollection(this.#backend, call));
    }
  }

  #watch(call: Call): ApiResponse {
    const watcher = openWatch(this.#backend, call);
    this.#watchers.add(watcher);
    const lines = watchLines(watcher, call, this.#backend);
    const watchers = this.#watchers;
    const stream = (async function* (): AsyncGenerator<string> {
      try {
        yield* lines;
      } finally {
        watchers.delete(watcher);
        watcher.close();
      }
    })();
    const headers = { 'content-type': 'application/json' };
    return { status: 200, headers, body: '', stream, ended: watcher.ended };
  }

  #written(call: Call, status: number, object: KubeObject): ApiResponse {
    const { type, target, headers, warnings } = call;
    const asked = representationOf(headers['accept'], target.query, this.#backend.clock.now());
    return jsonResponse(status, representOne(object, type, asked), warningHeaders(warnings));
  }

  #deleted(call: Call): ApiResponse {
    const { type } = call;
    const { object, gone } = deleteObject(this.#backend, call);
    if (!gone) return this.#written(call, 200, object);
    const { name, uid } = object.metadata;
    const details = { name, ...(type.group ? { group: type.group } : {}), kind: type.plural, uid };
    const head = { kind: 'Status', apiVersion: 'v1', metadata: {} };
    return jsonResponse(200, { ...head, status: 'Success', details });
  }

  #refusal(error: unknown): ApiResponse {
    if (error instanceof PageNotFound) return textResponse(404, `${error.message}\n`);
    if (!(error instanceof StatusError)) {
      this.#runtime.log.error('The embedded Kubernetes API failed on a request', { error });
      const words = `Internal error occurred: ${(error as Error).message}`;
      return jsonResponse(500, new StatusError(500, 'InternalError', words).toStatus());
    }
    const seconds = error.details.retryAfterSeconds;
    const headers = seconds === undefined ? {} : { 'retry-after': String(seconds) };
    return jsonResponse(error.code, error.toStatus(), headers as Record<string, string>);
  }
}

/** Everything behind this point sees JSON text, whatever came over the wire. */
function decodedBody(request: ApiRequest): Pick<Call, 'headers' | 'body'> {
  const { headers = {}, body = '' } = request;
  if (typeof body !== 'string') {
    if (headers['content-type'] !== PROTOBUF) {
      return { headers, body: Buffer.from(body).toString('utf8') };
    }
    const json = JSON.stringify(decodeProtobuf(body));
    return { headers: { ...headers, 'content-type': 'application/json' }, body: json };
  }
  return { headers, body };
}

interface Context {
  readonly user: User | undefined;
  readonly target: Target | undefined;
  readonly facts: RequestFacts;
}

function factsOf(
  request: ApiRequest,
  target: Target | undefined,
  user: User | undefined,
): RequestFacts {
  const isApply = request.headers?.['content-type']?.startsWith('application/apply-patch');
  return {
    verb: target ? (isApply ? 'apply' : target.verb) : request.method.toLowerCase(),
    group: target?.group ?? '',
    resource: target?.plural ?? '',
    subresource: target?.subresource ?? '',
    namespace: target?.namespace ?? '',
    name: target?.name ?? '',
    user: user?.username ?? '',
    client: (request.headers?.['user-agent'] ?? '').split('/')[0]!,
  };
}

/** Refuses what the URL asks of the wrong place: other scopes, unknown subresources, verbs. */
function checkPlace(type: ResourceType, target: Target): void {
  if (!type.namespaced && target.namespace) throw unknownPath();
  if (type.namespaced && target.name && !target.namespace) throw unknownPath();
  const { subresource, verb } = target;
  if (subresource === 'status' ? !type.statusSubresource : subresource !== undefined) {
    if (!(type.plural === 'namespaces' && subresource === 'finalize')) throw unknownPath();
  }
  if (subresource && !['get', 'update', 'patch'].includes(verb)) throw methodNotAllowed();
  if (!type.verbs.includes(verb)) throw methodNotAllowed();
  if (verb === 'create' && (target.name || (type.namespaced && !target.namespace))) {
    throw methodNotAllowed();
  }
  if (verb === 'update' && !target.name) throw badRequest('name must be provided');
  if (verb === 'patch' && !target.name) throw methodNotAllowed();
}

function warningHeaders(warnings: readonly string[]): Record<string, string> {
  if (warnings.length === 0) return {};
  const lines = warnings.map((text) => `299 - ${JSON.stringify(text)}`);
  return { warning: lines.join(', ') };
}
