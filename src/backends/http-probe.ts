// Asks a web server whether it is there: HEAD, or one byte where HEAD is refused, following a few
// redirects. Credentials never follow to another origin, and nothing follows from https to http.
import type { StorageBackendSpec } from '../api/storage-backend.ts';
import type { HttpAnswer, Probed, ProbeFailure } from '../plan/probe-observation.ts';
import { isExpectedAnswer } from '../plan/storage-backend-http.ts';
import type { Clock } from '../runtime/clock.ts';
import type { AddressRules } from './addresses.ts';
import { withDeadline } from './deadline.ts';
import type { ClientCertificate, DialOptions } from './dial.ts';
import { Exchange } from './exchange.ts';
import { outOfTime, ProbeError, Trace } from './trace.ts';

export interface ProbeEnvironment {
  readonly clock: Clock;
  readonly rules: AddressRules;
  /** `host name → ip:port`, for the local environment and tests. */
  readonly hostAliases: Readonly<Record<string, string>>;
}

type HttpSpec = (StorageBackendSpec & { type: 'http' })['http'];

export interface HttpProbeRequest extends Pick<HttpSpec, 'baseURL' | 'method'> {
  readonly expectedStatusCodes?: readonly number[] | undefined;
  readonly timeoutMilliseconds: number;
  /** The value of the header. */
  readonly authorization?: string | undefined;
  readonly clientCertificate?: ClientCertificate | undefined;
  /** PEM, trusted besides the usual ones. */
  readonly caCertificates?: string | undefined;
}

const REDIRECTS_MAX = 5;
const REDIRECT_CODES: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** How servers refuse HEAD that would have answered a GET. */
const HEAD_REFUSED_CODES: ReadonlySet<number> = new Set([403, 405, 501]);

/**
 * However the probe ends, that is an observation. Throws only when the signal was aborted. Takes no
 * longer than the request allows.
 */
export function probeHttp(
  environment: ProbeEnvironment,
  request: HttpProbeRequest,
  signal: AbortSignal,
): Promise<Probed> {
  const { clock } = environment;
  const { timeoutMilliseconds } = request;
  return withDeadline(clock, { timeoutMilliseconds, signal }, (deadline) =>
    new HttpProbe(environment, request, deadline).run(() => signal.throwIfAborted()),
  );
}

interface Ask {
  readonly url: URL;
  readonly method: 'HEAD' | 'GET';
  readonly isRange: boolean;
  /** False once it has been sent to another origin. */
  readonly isTrusted: boolean;
}

class HttpProbe {
  readonly #request: HttpProbeRequest;
  readonly #clock: Clock;
  readonly #dialling: Omit<DialOptions, 'trace'>;
  #trace: Trace;
  #ask: Ask;

  constructor(environment: ProbeEnvironment, request: HttpProbeRequest, signal: AbortSignal) {
    const { clock, rules, hostAliases } = environment;
    this.#request = request;
    this.#clock = clock;
    this.#dialling = { rules, hostAliases, signal };
    this.#trace = new Trace(clock);
    const { baseURL, method } = request;
    this.#ask = { url: new URL(baseURL), method, isRange: false, isTrusted: true };
  }

  async run(throwIfStopped: () => void): Promise<Probed> {
    const startedAt = this.#clock.monotonic();
    const outcome = await this.#follow().catch((error: unknown) => {
      throwIfStopped();
      return this.#failure(error);
    });
    return {
      type: 'probed',
      endpoint: shown(this.#ask.url),
      passed: this.#trace.passed,
      totalMilliseconds: this.#clock.monotonic() - startedAt,
      certificateEndsAt: this.#trace.certificateEndsAt,
      outcome,
    };
  }

  async #follow(): Promise<HttpAnswer> {
    for (let redirects = 0; ; ) {
      const { method, isRange } = this.#ask;
      const { statusCode, location } = await this.#send(this.#ask);
      const isExpected = isExpectedAnswer(this.#request, { statusCode, isRange });
      const answer = { type: 'answered', method, isRange, statusCode } as const;
      if (isExpected) return answer;
      if (method === 'HEAD' && HEAD_REFUSED_CODES.has(statusCode)) {
        this.#ask = { ...this.#ask, method: 'GET', isRange: true };
        continue;
      }
      if (!REDIRECT_CODES.has(statusCode) || location === undefined) return answer;
      if (++redirects > REDIRECTS_MAX)
        throw refusedRedirect('TooManyRedirects', `it redirects more than ${REDIRECTS_MAX} times`);
      this.#ask = redirected(this.#ask, location);
    }
  }

  async #send({ url, method, isRange, isTrusted }: Ask) {
    this.#trace = new Trace(this.#clock);
    const { authorization, clientCertificate, caCertificates } = this.#request;
    const exchange = new Exchange(url, this.#trace, {
      ...this.#dialling,
      clock: this.#clock,
      tls: { caCertificates, clientCertificate: isTrusted ? clientCertificate : undefined },
    });
    try {
      const answer = await exchange.ask({
        method,
        path: `${url.pathname}${url.search}`,
        headers: {
          ...(isRange ? { range: 'bytes=0-0' } : {}),
          ...(isTrusted && authorization !== undefined ? { authorization } : {}),
        },
      });
      this.#trace.pass('Protocol', 'an answer in HTTP', answer.milliseconds);
      return { statusCode: answer.statusCode, location: answer.header('location') };
    } finally {
      await exchange.close();
    }
  }

  #failure(error: unknown): ProbeFailure {
    const { timeoutMilliseconds } = this.#request;
    if (this.#dialling.signal.aborted) return outOfTime(this.#trace.check, timeoutMilliseconds);
    if (error instanceof ProbeError) return error;
    throw error;
  }
}

function redirected(from: Ask, location: string): Ask {
  const url = URL.parse(location, from.url.href);
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw refusedRedirect('BadRedirect', 'it redirects to something that is not a web address');
  if (from.url.protocol === 'https:' && url.protocol === 'http:')
    throw refusedRedirect('Downgrade', `it redirects from https to ${shown(url)}`);
  url.username = '';
  url.password = '';
  return { ...from, url, isTrusted: from.isTrusted && url.origin === from.url.origin };
}

function refusedRedirect(code: string, message: string): ProbeError {
  return new ProbeError('Protocol', code, `${message}, which is not followed`);
}

/** Without its query, which may hold a secret. */
function shown({ origin, pathname }: URL): string {
  return `${origin}${pathname}`;
}
