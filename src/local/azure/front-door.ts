// The way of one request through the cloud: faults, token, limits, scope, handler, common headers.
import { messageOf } from '../../runtime/errors.ts';
import { randomUuid } from '../../runtime/random.ts';
import type { Call, Cloud } from './calls.ts';
import { drawMilliseconds } from './durations.ts';
import { ArmError, patchResourceNotFound, refuse } from './errors.ts';
import { effectOf, type FaultEffect } from './faults.ts';
import { isJsonObject, type JsonObject } from './json.ts';
import type { ArmRequest, ArmResponse, Reply } from './messages.ts';
import type { RequestLog } from './request-log.ts';
import { ResourceGraph } from './resource-graph/index.ts';
import { checkScope } from './resource-groups.ts';
import { formatResourceId } from './resource-ids.ts';
import { findRoute, type Route } from './routes.ts';
import { Throttle } from './throttling.ts';

const graphPath = /^\/providers\/Microsoft\.ResourceGraph\/resources\/?$/i;
const EXPIRY_SWEEP_REQUESTS = 1000;

export class FrontDoor {
  readonly #cloud: Cloud;
  readonly #log: RequestLog;
  readonly #throttle: Throttle;
  readonly #graph: ResourceGraph;

  constructor(cloud: Cloud, log: RequestLog) {
    this.#cloud = cloud;
    this.#log = log;
    this.#throttle = new Throttle(cloud.settings.throttling);
    this.#graph = new ResourceGraph(cloud);
  }

  handle(request: ArmRequest): ArmResponse {
    const now = this.#cloud.runtime.clock.now();
    const url = new URL(request.url, 'https://management.azure.com');
    const method = request.method.toUpperCase();
    const route = findRoute(method, url.pathname);
    const isGraph = method === 'POST' && graphPath.test(url.pathname);
    const operation = route?.operation ?? (isGraph ? 'resourceGraph.resources' : 'unknown');
    const body = parseBody(request.body);
    const page = isGraph ? this.#graph.pageOf(body) : undefined;
    const effects = this.#cloud.faults.take(operation, route?.name || undefined, page);
    const headers: Record<string, string> = {};
    const reply = this.#answer(() => {
      this.#admit(request, url);
      refuseInjected(effects);
      if (isGraph) return this.#graph.query(body, effects, now);
      if (!route) throw unknownPath(method, url.pathname);
      return this.#dispatch({ request, url, route, method, body, effects, now }, headers);
    });
    this.#log.record({
      at: now,
      operation,
      method,
      path: url.pathname,
      name: route?.name ?? '',
      status: reply.status,
      ...(isJsonObject(reply.body) && errorCode(reply.body)),
    });
    if (this.#log.total % EXPIRY_SWEEP_REQUESTS === 0) this.#cloud.operations.forgetExpired(now);
    return this.#finish(request, reply, headers, effects);
  }

  #admit(request: ArmRequest, url: URL): void {
    const loginUrl = `https://login.microsoftonline.com/${this.#cloud.settings.tenantId}`;
    if (!/^bearer \S+/i.test(request.headers?.['authorization'] ?? ''))
      throw new ArmError(
        401,
        {
          code: 'AuthenticationFailed',
          message: "Authentication failed. The 'Authorization' header is missing.",
        },
        { 'www-authenticate': `Bearer authorization_uri="${loginUrl}"` },
      );
    if (!url.searchParams.get('api-version'))
      throw refuse(
        400,
        'MissingApiVersionParameter',
        'The api-version query parameter (?api-version=) is required for all requests.',
      );
  }

  #dispatch(
    arrived: {
      request: ArmRequest;
      url: URL;
      route: Route;
      method: string;
      body: JsonObject;
      effects: FaultEffect[];
      now: number;
    },
    headers: Record<string, string>,
  ): Reply {
    const { request, url, route, method, now } = arrived;
    const { subscriptionId } = route;
    const left = this.#throttle.chargeFrontDoor(method, subscriptionId, now);
    if (method === 'PATCH') this.#checkPatched(route);
    Object.assign(headers, left);
    checkScope(this.#cloud, subscriptionId, route.resourceGroup);
    const call: Call = {
      ...route,
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers ?? {},
      body: arrived.body,
      effects: arrived.effects,
      now,
    };
    const polled =
      route.operation === 'operations.get'
        ? this.#cloud.operations.get(route.name)?.resourceId
        : undefined;
    Object.assign(headers, this.#throttle.chargeProvider(call, polled, now));
    return route.handler(this.#cloud, call);
  }

  /** Refused here, before the provider and without a word about what is left of any budget. */
  #checkPatched(route: Route): void {
    checkScope(this.#cloud, route.subscriptionId, route.resourceGroup);
    if (!this.#cloud.resources.has(formatResourceId(route))) throw patchResourceNotFound(route);
  }

  #answer(work: () => Reply): Reply {
    try {
      return work();
    } catch (thrown) {
      if (thrown instanceof ArmError) return thrown.reply();
      this.#cloud.runtime.log.error('the simulated cloud failed', { error: thrown });
      return refuse(500, 'InternalServerError', messageOf(thrown)).reply();
    }
  }

  #finish(
    request: ArmRequest,
    reply: Reply,
    headers: Record<string, string>,
    effects: readonly FaultEffect[],
  ): ArmResponse {
    const requestId = randomUuid(this.#cloud.runtime.random);
    const clientRequestId = request.headers?.['x-ms-client-request-id'];
    const delay = effectOf(effects, 'delay')?.milliseconds ?? 0;
    const latency = this.#cloud.settings.latency.maximumSeconds
      ? drawMilliseconds(this.#cloud.runtime.random, this.#cloud.settings.latency, 1)
      : 0;
    return {
      status: reply.status,
      headers: {
        'cache-control': 'no-cache',
        pragma: 'no-cache',
        expires: '-1',
        date: new Date(this.#cloud.runtime.clock.now()).toUTCString(),
        'x-ms-request-id': requestId,
        'x-ms-correlation-request-id':
          request.headers?.['x-ms-correlation-request-id'] ?? requestId,
        'x-ms-routing-request-id': `SIMULATED:${requestId}`,
        ...(clientRequestId && { 'x-ms-client-request-id': clientRequestId }),
        ...headers,
        ...reply.headers,
      },
      ...(reply.body !== undefined && { body: reply.body }),
      ...(effectOf(effects, 'timeout') && { dropConnection: true }),
      ...(delay + latency > 0 && { delayMilliseconds: delay + latency }),
    };
  }
}

function parseBody(body: string | object | undefined): JsonObject {
  if (body === undefined || body === '') return {};
  if (typeof body === 'object') return structuredClone(body) as JsonObject;
  try {
    const parsed: unknown = JSON.parse(body);
    return isJsonObject(parsed) ? parsed : {};
  } catch {
    return {};
  }
}

function refuseInjected(effects: readonly FaultEffect[]): void {
  const error = effectOf(effects, 'error');
  if (error) {
    const { status, code = 'InternalServerError', message = 'Injected.' } = error;
    const retry = error.retryAfterSeconds;
    throw new ArmError(
      status,
      { code, message },
      retry === undefined ? {} : { 'retry-after': String(retry) },
    );
  }
  // The work isn't done and the answer never arrives: what is thrown here only stops the handler.
  if (effectOf(effects, 'timeout')?.applied === false)
    throw refuse(504, 'GatewayTimeout', 'The gateway did not receive a response in time.');
}

function unknownPath(method: string, path: string): ArmError {
  return refuse(404, 'InvalidResourceType', `No resource type answers ${method} ${path}.`);
}

function errorCode(body: JsonObject): { errorCode?: string } {
  const error = body['error'];
  return isJsonObject(error) && typeof error['code'] === 'string'
    ? { errorCode: error['code'] }
    : {};
}
