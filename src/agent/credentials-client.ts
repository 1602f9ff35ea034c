// Asks the controller for credentials, showing the agent's own token. Over TLS with the authority that the
// installation names; in the clear only on the machine's own loopback.
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Clock } from '../runtime/clock.ts';
import { messageOf, PoolkeeperError } from '../runtime/errors.ts';
import type { CredentialsSource } from './credentials.ts';

export interface CredentialsClientOptions {
  /** Of the endpoint, such as `https://poolkeeper-credentials.poolkeeper-system.svc:8443`. */
  readonly url: string;
  /** Read for every request: the kubelet replaces it from time to time. */
  readonly token: () => Promise<string>;
  /** Certificates in PEM that sign the endpoint's; absent: those that Node trusts anyway. */
  readonly authority?: (() => Promise<string>) | undefined;
  readonly clock: Clock;
}

const TIMEOUT_MILLISECONDS = 15_000;
const ANSWER_BYTES_MAX = 64 * 1024;
const loopback = new Set(['127.0.0.1', '[::1]', 'localhost']);

/** Throws when the URL is none, or would carry secrets in the clear over a network. */
export function createCredentialsClient(options: CredentialsClientOptions): CredentialsSource {
  const url = URL.canParse(options.url) ? new URL('/credentials', options.url) : undefined;
  const isSafe = url?.protocol === 'https:' || (url && loopback.has(url.hostname));
  if (!url || !isSafe)
    throw new PoolkeeperError(
      'InvalidSettings',
      `--credentials-url: ${options.url} must be an https:// address; http:// is for loopback only`,
      { retry: 'never' },
    );
  return {
    async fetch({ kind = 'NodeMount', namespace, name, uid }, signal) {
      const body = JSON.stringify({ kind, namespace, name, uid });
      const { status, text } = await ask(options, url, { body, signal }).catch((error) => {
        signal.throwIfAborted();
        throw unavailable(`${url.origin} can't be asked for credentials: ${messageOf(error)}`);
      });
      const answer = parse(text);
      if (status === 200 && answer?.values) return answer.values;
      const said = answer?.message ?? `an answer with status ${status}`;
      if (answer?.reason === 'SecretNotFound')
        throw new PoolkeeperError('SecretNotFound', `The credentials are missing: ${said}.`);
      throw unavailable(`The controller gives no credentials to this node: ${said}.`);
    },
  };
}

function unavailable(message: string): PoolkeeperError {
  return new PoolkeeperError('CredentialsUnavailable', message);
}

interface Answer {
  readonly values?: Readonly<Record<string, string>>;
  readonly reason?: string;
  readonly message?: string;
}

function parse(text: string): Answer | undefined {
  try {
    return JSON.parse(text) as Answer;
  } catch {
    return undefined;
  }
}

async function ask(
  { token, authority, clock }: CredentialsClientOptions,
  url: URL,
  { body, signal }: { body: string; signal: AbortSignal },
): Promise<{ status: number; text: string }> {
  const [bearer, ca] = await Promise.all([token(), authority?.()]);
  const deadline = new AbortController();
  const cancel = clock.schedule(TIMEOUT_MILLISECONDS, () =>
    deadline.abort(new Error(`no answer within ${TIMEOUT_MILLISECONDS / 1000} seconds`)),
  );
  const options = {
    method: 'POST',
    agent: false as const,
    signal: AbortSignal.any([signal, deadline.signal]),
    headers: { authorization: `Bearer ${bearer.trim()}`, 'content-type': 'application/json' },
    ...(ca === undefined ? {} : { ca }),
  };
  try {
    return await new Promise((resolve, reject) => {
      const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
      const request = send(url, options, (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > ANSWER_BYTES_MAX) response.destroy(new Error('the answer is too long'));
          else chunks.push(chunk);
        });
        response.on('error', reject);
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }),
        );
      });
      request.on('error', (error) =>
        reject(deadline.signal.aborted ? deadline.signal.reason : error),
      );
      request.end(body);
    });
  } finally {
    cancel();
  }
}
