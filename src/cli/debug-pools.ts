// GET /debug/pools: what the operator knows and is about to do, as JSON. It shows configuration and
// the names of claims to anyone who can reach it, so it listens on loopback unless told otherwise:
// kubectl port-forward reaches it there.
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import type { PoolFilter } from '../controllers/observation/pool-report.ts';
import { type Page, type RunningServer, serveHttp } from './http-server.ts';

export interface DebugOptions {
  /** `host:port`; port 0 takes any free one. */
  readonly address: string;
  /** Plain data, ready for JSON. */
  readonly report: (filter: PoolFilter) => object;
}

const FILTERS = new Set(['namespace', 'name']);

export function serveDebug({ address, report }: DebugOptions): Promise<RunningServer> {
  return serveHttp({
    address,
    setting: '--debug-address',
    answer: (url, headers) => debugPage(report, url, headers),
  });
}

export function debugPage(
  report: DebugOptions['report'],
  url: URL,
  headers: IncomingHttpHeaders,
): Page {
  // A page in the developer's browser must not read this under a name of its own that it has
  // pointed at 127.0.0.1.
  if (!isAddressed(headers)) return { status: 421, body: 'ask by address or as localhost\n' };
  if (url.pathname !== '/debug/pools') return { status: 404, body: 'not found\n' };
  return answer(url.searchParams, report);
}

function answer(parameters: URLSearchParams, report: DebugOptions['report']): Page {
  const unknown = [...parameters.keys()].find((name) => !FILTERS.has(name));
  if (unknown !== undefined) {
    return { status: 400, body: `${unknown}: not a filter; there are namespace and name\n` };
  }
  const filter = {
    namespace: parameters.get('namespace') || undefined,
    name: parameters.get('name') || undefined,
  };
  const body = `${JSON.stringify(report(filter), undefined, 2)}\n`;
  return { status: 200, body, contentType: 'application/json' };
}

function isAddressed({ host = '' }: IncomingHttpHeaders): boolean {
  const name = host.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  return name === 'localhost' || isIP(name) !== 0;
}
