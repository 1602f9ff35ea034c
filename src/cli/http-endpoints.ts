// The operator's own HTTP endpoints: liveness, readiness, metrics.

import { type Page, type RunningServer, serveHttp } from './http-server.ts';
import type { Operator } from './operator.ts';

export type Endpoints = RunningServer;

export interface EndpointHandlers {
  /** Undefined when well; otherwise what is wrong, in words. */
  readonly live: () => string | undefined;
  readonly ready: () => string | undefined;
  readonly metrics: () => Promise<string>;
}

/** The content type that Prometheus asks for. */
const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** `address` is `host:port`; port 0 takes any free one. */
export function serveEndpoints(address: string, handlers: EndpointHandlers): Promise<Endpoints> {
  return serveHttp({
    address,
    setting: '--http-address',
    answer: ({ pathname }) => endpointPage(pathname, handlers),
  });
}

export async function endpointPage(path: string, handlers: EndpointHandlers): Promise<Page> {
  switch (path) {
    case '/metrics':
      return { status: 200, body: await handlers.metrics(), contentType: METRICS_TYPE };
    case '/healthz':
    case '/livez':
      return verdict(handlers.live());
    case '/readyz':
      return verdict(handlers.ready());
    default:
      return { status: 404, body: 'not found\n' };
  }
}

function verdict(problem: string | undefined): Page {
  return problem === undefined
    ? { status: 200, body: 'ok\n' }
    : { status: 503, body: `${problem}\n` };
}

/** What an operator answers. */
export function endpointHandlers(
  operator: Pick<Operator, 'health'>,
  metrics: () => Promise<string>,
): EndpointHandlers {
  return {
    live: () => {
      const { silent } = operator.health();
      return silent.length > 0 ? `no word from the watches of ${silent.join(', ')}` : undefined;
    },
    ready: () => (operator.health().synced ? undefined : 'caches are not synced'),
    metrics,
  };
}
