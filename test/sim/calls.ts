// What goes over the simulated network, and what may become of it. Every call of an operator to the
// API server or to Azure is counted and put before a plan of faults, which decides its fate.
import type { Actor } from './loop.ts';

export interface Call {
  /** Counted over the whole run, calls of operators only: a plan of faults goes by it. */
  readonly index: number;
  readonly actor: Actor;
  readonly to: 'kubernetes' | 'azure';
  readonly method: string;
  readonly path: string;
  /** For people: `PATCH poolinstances/boxes-0/status`. */
  readonly what: string;
  readonly isWrite: boolean;
  /** What was sent along. */
  readonly body: string;
  /** Leases and events: nothing that a pool depends on. */
  readonly isBackground: boolean;
}

export type Fate =
  | { readonly type: 'delivered' }
  /** The connection breaks before anything arrived. */
  | { readonly type: 'lost' }
  /** It is done, and the connection breaks before the answer. */
  | { readonly type: 'unanswered' }
  /** It is done, and no answer ever comes: the caller's own patience ends it. */
  | { readonly type: 'silence' }
  /** Nothing is done; refused with this status. */
  | { readonly type: 'refused'; readonly status: number; readonly retryAfterSeconds?: number }
  | { readonly type: 'slow'; readonly milliseconds: number }
  /** It is under way for so long before it arrives: by then its caller may be gone, and the world another. */
  | { readonly type: 'late'; readonly milliseconds: number }
  /** The process dies as it is about to call, or when the call has been done. */
  | { readonly type: 'crash-before' }
  | { readonly type: 'crash-after' };

export interface FaultPlan {
  fateOf(call: Call): Fate;
}

/** Marks what was under way for long: nobody can take it back, only clean up after it. */
export const LATE = 'x-simulation-late';

export function lateness(fate: Fate): number {
  return fate.type === 'late' ? fate.milliseconds : 0;
}

export const DELIVERED: Fate = { type: 'delivered' };
export const noFaults: FaultPlan = { fateOf: () => DELIVERED };

export function kubernetesCall(method: string, path: string, body = '') {
  const [plain = '', query = ''] = path.split('?');
  const parts = plain.split('/').filter((part) => part !== '');
  const rest = parts.slice(parts[0] === 'api' ? 2 : 3);
  const named = rest[0] === 'namespaces' && rest.length > 2 ? rest.slice(2) : rest;
  const isWatch = query.includes('watch=true');
  return {
    to: 'kubernetes' as const,
    method,
    path,
    what: `${isWatch ? 'WATCH' : method} ${named.join('/')}`,
    isWrite: method !== 'GET',
    body,
    isBackground: isWatch || ['leases', 'events'].includes(named[0] ?? ''),
  };
}

export function azureCall(method: string, url: string, body = '') {
  const { pathname } = new URL(url);
  const parts = pathname.split('/').filter((part) => part !== '');
  const isGraph = pathname.includes('Microsoft.ResourceGraph');
  return {
    to: 'azure' as const,
    method,
    path: pathname,
    what: `${method} ${isGraph ? 'graph' : parts.slice(parts.indexOf('providers') + 2).join('/')}`,
    isWrite: method !== 'GET' && !isGraph,
    body,
    isBackground: false,
  };
}
