// The operator's own HTTP endpoints: liveness, readiness, metrics.

import { type Page, type RunningServer, serveHttp } from './http-server.ts';
import type { Operator } from './operator.ts';

export type Endpoints = RunningServer;

export interface EndpointHandlers {
  /** Undefined when well; otherwise what is wrong, in words. */
  readonly live: () => string | undefined;
  readonly ready: () => string | undefined;
  /** What it is when ready: leader, standby. */
  readonly role?: () => string;
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
      return verdict(handlers.ready(), handlers.role?.());
    default:
      return { status: 404, body: 'not found\n' };
  }
}

function verdict(problem: string | undefined, role?: string): Page {
  return problem === undefined
    ? { status: 200, body: role ? `ok: ${role}\n` : 'ok\n' }
    : { status: 503, body: `${problem}\n` };
}

/** Which watches there are, by their health. */
export interface WatchHealth {
  readonly synced: boolean;
  /** Kinds whose watch has been silent for suspiciously long. */
  readonly silent: readonly string[];
  readonly watched: number;
}

/**
 * Alive: no watch is stuck. When all of them are silent, the API server is away: a restart would not
 * bring it back, and would cost the caches. Ready: the caches are filled and being kept.
 */
export function watchHandlers(health: () => WatchHealth): Pick<EndpointHandlers, 'live' | 'ready'> {
  const silence = ({ silent }: WatchHealth): string =>
    `no word from the watches of ${silent.join(', ')}`;
  return {
    live: () => {
      const now = health();
      const isStuck = now.silent.length > 0 && now.silent.length < now.watched;
      return isStuck ? silence(now) : undefined;
    },
    ready: () => {
      const now = health();
      if (!now.synced) return 'caches are not synced';
      return now.silent.length > 0 ? silence(now) : undefined;
    },
  };
}

/** What an operator answers. */
export function endpointHandlers(
  operator: Pick<Operator, 'health'>,
  metrics: () => Promise<string>,
): EndpointHandlers {
  const role = (): string => operator.health().role;
  return { ...watchHandlers(operator.health), role, metrics };
}
