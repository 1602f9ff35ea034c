// One web server, spoken to over connections of the probe's own: request after request, with answers
// read only as far as somebody wants them.
import { Client, errors } from 'undici';
import type { Clock } from '../runtime/clock.ts';
import { codeOf, type DialOptions, dial, type TlsOptions } from './dial.ts';
import { ProbeError, type Trace } from './trace.ts';

export interface ExchangeOptions extends Omit<DialOptions, 'trace'> {
  readonly clock: Clock;
  readonly tls: TlsOptions;
}

export interface Question {
  readonly method: 'HEAD' | 'GET';
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Of the answer; 0 or left out: none. What is longer is cut off. */
  readonly bodyBytesMax?: number;
}

export interface Answer {
  readonly statusCode: number;
  /** Of several values the first. Names in lower case. */
  header(name: string): string | undefined;
  readonly body: string;
  readonly milliseconds: number;
}

/** Alerts by which servers say that they want (another) certificate of the client. */
const CERTIFICATE_WANTED =
  /ALERT_CERTIFICATE_REQUIRED|ALERT_BAD_CERTIFICATE|ALERT_UNKNOWN_CA|ALERT_CERTIFICATE_UNKNOWN|ALERT_CERTIFICATE_EXPIRED|ALERT_ACCESS_DENIED|ALERT_HANDSHAKE_FAILURE/;

const HUNG_UP: ReadonlySet<string> = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE']);

export class Exchange {
  readonly #options: ExchangeOptions;
  readonly #client: Client;
  readonly #trace: Trace;
  #dialError: unknown;
  #sentAt = 0;

  constructor(url: URL, trace: Trace, options: ExchangeOptions) {
    this.#options = options;
    this.#trace = trace;
    const isSecure = url.protocol === 'https:';
    const endpoint = {
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: Number(url.port || (isSecure ? 443 : 80)),
      tls: isSecure ? options.tls : undefined,
    };
    this.#client = new Client(url.origin, {
      // The probe has a deadline of its own.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: (_options, callback) => {
        dial(endpoint, { ...options, trace }).then(
          (socket) => {
            trace.check = 'Protocol';
            this.#sentAt = options.clock.monotonic();
            callback(null, socket);
          },
          (error) => {
            this.#dialError = error;
            callback(error as Error, null);
          },
        );
      },
    });
  }

  async ask({ method, path, headers, bodyBytesMax = 0 }: Question): Promise<Answer> {
    const { clock, signal } = this.#options;
    this.#sentAt = clock.monotonic();
    try {
      const response = await this.#client.request({
        path,
        method,
        signal,
        headers: { 'user-agent': 'poolkeeper', accept: '*/*', ...headers },
      });
      const milliseconds = clock.monotonic() - this.#sentAt;
      const body = await readAtMost(response.body, bodyBytesMax);
      return {
        statusCode: response.statusCode,
        header: (name) => {
          const value = response.headers[name];
          return Array.isArray(value) ? value[0] : value;
        },
        body,
        milliseconds,
      };
    } catch (error) {
      throw this.#dialError ?? this.#explained(error);
    }
  }

  #explained(error: unknown): unknown {
    if (this.#options.signal.aborted || error instanceof ProbeError) return error;
    const code = this.#trace.lateError ?? codeOf(error);
    if (CERTIFICATE_WANTED.test(code))
      return new ProbeError(
        'Authorization',
        'ClientCertificateRefused',
        `the server refused the connection for want of a good client certificate (${code})`,
      );
    // Some servers say nothing and hang up.
    if (HUNG_UP.has(code) && this.#options.tls.clientCertificate)
      return new ProbeError(
        'Authorization',
        'ClientCertificateRefused',
        `the server hung up when it was shown the client certificate (${code})`,
      );
    const isGibberish =
      error instanceof errors.HTTPParserError || error instanceof errors.HeadersOverflowError;
    const message = isGibberish
      ? 'something answered, but not in HTTP as it should be'
      : `the connection ended before the answer (${code})`;
    return new ProbeError('Protocol', isGibberish ? 'NotHttp' : code, message);
  }

  close(): Promise<void> {
    return this.#client.destroy();
  }
}

interface Body extends AsyncIterable<Uint8Array> {
  on(event: 'error', listener: () => void): unknown;
  destroy(): unknown;
}

async function readAtMost(body: Body, bytesMax: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  if (bytesMax > 0) {
    for await (const chunk of body) {
      chunks.push(chunk);
      size += chunk.length;
      if (size >= bytesMax) break;
    }
  }
  body.on('error', () => {});
  // Of a GET without a wish for it, the content is of no interest, however long it is.
  if (bytesMax === 0 || size >= bytesMax) body.destroy();
  return Buffer.concat(chunks).subarray(0, bytesMax).toString('utf8');
}
