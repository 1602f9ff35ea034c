// Asks a web server whether it is there: HEAD, or one byte where HEAD is refused, following a few
// redirects. Credentials never follow to another origin, and nothing follows from https to http.
import { Client, errors } from 'undici';
import {
  type HttpAnswer,
  type HttpObservation,
  type HttpSpec,
  isExpectedAnswer,
  type StageLatencies,
} from '../../plan/storage-backend-probe.ts';
import type { Clock } from '../../runtime/clock.ts';
import { PoolkeeperError } from '../../runtime/errors.ts';
import { type AddressRuleSettings, addressRules } from './addresses.ts';
import { codeOf, type DialOptions, dial, ProbeError, type Trace } from './dial.ts';

export interface HttpProbe {
  /**
   * However the probe ends, that is an observation. Throws only when the signal was aborted. Takes no
   * longer than the request allows.
   */
  probe(request: HttpProbeRequest, signal: AbortSignal): Promise<HttpObservation>;
}

export interface HttpProbeRequest extends Pick<HttpSpec, 'baseURL' | 'method'> {
  readonly expectedStatusCodes?: readonly number[] | undefined;
  readonly timeoutMilliseconds: number;
  /** The value of the header. */
  readonly authorization?: string | undefined;
  /** PEM, trusted besides the usual ones. */
  readonly caCertificates?: string | undefined;
}

export interface HttpProbeOptions extends AddressRuleSettings {
  readonly clock: Clock;
  /** `host name → ip:port`, for the local environment and tests. */
  readonly hostAliases?: Readonly<Record<string, string>> | undefined;
}

const REDIRECTS_MAX = 5;
const REDIRECT_CODES: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** How servers refuse HEAD that would have answered a GET. */
const HEAD_REFUSED_CODES: ReadonlySet<number> = new Set([403, 405, 501]);

export function createHttpProbe(options: HttpProbeOptions): HttpProbe {
  const rules = addressRules(options);
  const { clock, hostAliases = {} } = options;
  return {
    async probe(request, signal) {
      const deadline = new AbortController();
      const cancel = clock.schedule(request.timeoutMilliseconds, () => {
        deadline.abort(new PoolkeeperError('Timeout', 'the probe took too long'));
      });
      const stopped = (): void => deadline.abort(signal.reason);
      if (signal.aborted) stopped();
      signal.addEventListener('abort', stopped, { once: true });
      try {
        return await new Probe(request, {
          clock,
          rules,
          hostAliases,
          caCertificates: request.caCertificates,
          signal: deadline.signal,
        }).run(() => signal.throwIfAborted());
      } finally {
        cancel();
        signal.removeEventListener('abort', stopped);
      }
    },
  };
}

interface Ask {
  readonly url: URL;
  readonly method: 'HEAD' | 'GET';
  readonly isRange: boolean;
  readonly authorization: string | undefined;
}

interface Heard {
  readonly statusCode: number;
  readonly location: string | undefined;
}

class Probe {
  readonly #request: HttpProbeRequest;
  readonly #dialling: Omit<DialOptions, 'trace'>;
  #trace: Trace = { stage: 'name' };
  #ask: Ask;

  constructor(request: HttpProbeRequest, dialling: Omit<DialOptions, 'trace'>) {
    this.#request = request;
    this.#dialling = dialling;
    const { baseURL, method, authorization } = request;
    this.#ask = { url: new URL(baseURL), method, isRange: false, authorization };
  }

  async run(throwIfStopped: () => void): Promise<HttpObservation> {
    const { clock } = this.#dialling;
    const startedAt = clock.monotonic();
    const outcome = await this.#follow().catch((error: unknown) => {
      throwIfStopped();
      return this.#failure(error);
    });
    const { certificateEndsAt } = this.#trace;
    return {
      type: 'probed',
      url: shown(this.#ask.url),
      latencies: latenciesOf(this.#trace),
      totalMilliseconds: clock.monotonic() - startedAt,
      certificateEndsAt,
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

  async #send({ url, method, isRange, authorization }: Ask): Promise<Heard> {
    const { clock, signal } = this.#dialling;
    const trace: Trace = { stage: 'name' };
    this.#trace = trace;
    let dialError: unknown;
    const client = new Client(url.origin, {
      // The probe has a deadline of its own.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: (_options, callback) => {
        dial(url, { ...this.#dialling, trace }).then(
          (socket) => {
            sentAt = clock.monotonic();
            callback(null, socket);
          },
          (error) => {
            dialError = error;
            callback(error as Error, null);
          },
        );
      },
    });
    let sentAt = clock.monotonic();
    try {
      const response = await client.request({
        path: `${url.pathname}${url.search}`,
        method,
        signal,
        headers: {
          'user-agent': 'poolkeeper',
          accept: '*/*',
          ...(isRange ? { range: 'bytes=0-0' } : {}),
          ...(authorization === undefined ? {} : { authorization }),
        },
      });
      trace.answerMilliseconds = clock.monotonic() - sentAt;
      // What a GET brings besides its headers is not of interest, however long it is.
      response.body.on('error', () => {}).destroy();
      const { location } = response.headers;
      return {
        statusCode: response.statusCode,
        location: Array.isArray(location) ? location[0] : location,
      };
    } catch (error) {
      throw dialError ?? error;
    } finally {
      await client.destroy();
    }
  }

  #failure(error: unknown): HttpObservation['outcome'] {
    const { stage } = this.#trace;
    if (this.#dialling.signal.aborted) {
      const seconds = this.#request.timeoutMilliseconds / 1000;
      const message = `${TIMEOUT_WORDS[stage] ?? 'no end'} within ${seconds} s`;
      return { type: 'failed', stage, code: 'Timeout', message };
    }
    if (error instanceof ProbeError) {
      const { code, message } = error;
      return { type: 'failed', stage: error.stage, code, message };
    }
    const isGibberish =
      error instanceof errors.HTTPParserError || error instanceof errors.HeadersOverflowError;
    const code = codeOf(error);
    const message = isGibberish
      ? 'something answered, but not in HTTP as it should be'
      : `the connection ended before the answer (${code})`;
    return { type: 'failed', stage: 'answer', code, message };
  }
}

const TIMEOUT_WORDS: Readonly<Partial<Record<Trace['stage'], string>>> = {
  name: 'its name was not resolved',
  connection: 'nothing accepted the connection',
  tls: 'the TLS handshake did not end',
  answer: 'connected, but there was no answer',
};

function redirected(from: Ask, location: string): Ask {
  const url = URL.parse(location, from.url.href);
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw refusedRedirect('BadRedirect', 'it redirects to something that is not a web address');
  if (from.url.protocol === 'https:' && url.protocol === 'http:')
    throw refusedRedirect('Downgrade', `it redirects from https to ${shown(url)}`);
  url.username = '';
  url.password = '';
  const isSame = url.origin === from.url.origin;
  return { ...from, url, authorization: isSame ? from.authorization : undefined };
}

function refusedRedirect(code: string, message: string): ProbeError {
  return new ProbeError('redirect', code, `${message}, which is not followed`);
}

function shown({ origin, pathname }: URL): string {
  return `${origin}${pathname}`;
}

function latenciesOf(trace: Trace): StageLatencies {
  const { stage: _, certificateEndsAt: __, ...latencies } = trace;
  return latencies;
}
