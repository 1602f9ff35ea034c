// How a process proves who it is: fixed, from a file that rotates, or from a plugin.
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Clock } from '../runtime/clock.ts';
import { messageOf, PoolkeeperError } from '../runtime/errors.ts';
import type { Credential } from './cluster-access.ts';

export interface CredentialSource {
  readonly get: () => Promise<Credential>;
  /** What was handed out last is no longer accepted. */
  readonly rejected: () => void;
}

export function fixedCredential(credential: Credential): CredentialSource {
  return { get: async () => credential, rejected: () => {} };
}

/** Service account tokens are replaced well before they expire; once a minute is often enough. */
const REREAD_MILLISECONDS = 60_000;

export function tokenFileCredential(path: string, clock: Clock): CredentialSource {
  let cached: { readonly credential: Credential; readonly readAt: number } | undefined;
  return {
    async get() {
      const now = clock.monotonic();
      if (cached && now - cached.readAt < REREAD_MILLISECONDS) return cached.credential;
      try {
        const token = (await readFile(path, 'utf8')).trim();
        cached = { credential: { authorization: `Bearer ${token}` }, readAt: now };
      } catch (error) {
        // A file that is being replaced must not stop work while the old token still holds.
        if (!cached) throw credentialError(`can't read ${path}: ${messageOf(error)}`);
      }
      return cached.credential;
    },
    rejected() {
      cached = cached && { ...cached, readAt: Number.NEGATIVE_INFINITY };
    },
  };
}

/** `users[].user.exec` of a kubeconfig. */
export interface ExecSettings {
  readonly apiVersion?: string;
  readonly command: string;
  readonly args?: readonly string[] | null;
  readonly env?: readonly { readonly name: string; readonly value: string }[] | null;
  readonly provideClusterInfo?: boolean;
  readonly installHint?: string;
}

export interface ExecSurroundings {
  readonly clock: Clock;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Told to plugins that ask for it. */
  readonly cluster: object;
  /** Returns standard output; rejects when the plugin fails. */
  readonly run: (
    command: string,
    argv: readonly string[],
    environment: Readonly<Record<string, string | undefined>>,
  ) => Promise<string>;
}

interface ExecAnswer {
  readonly kind?: string;
  readonly apiVersion?: string;
  readonly status?: {
    readonly token?: string;
    readonly expirationTimestamp?: string;
    readonly clientCertificateData?: string;
    readonly clientKeyData?: string;
  };
}

/** Renewed this long before it expires, so that no request leaves with a dying token. */
const EXPIRY_MARGIN_MILLISECONDS = 60_000;

/** Runs the plugin at most once at a time, and again only when its credential runs out. */
export function execCredential(
  settings: ExecSettings & { readonly directory: string },
  surroundings: ExecSurroundings,
): CredentialSource {
  const { clock } = surroundings;
  let cached: { readonly credential: Credential; readonly until: number } | undefined;
  let running: Promise<Credential> | undefined;
  const fetch = async (): Promise<Credential> => {
    const answer = await askPlugin(settings, surroundings);
    const expiry = Date.parse(answer.expirationTimestamp ?? '');
    const until = Number.isNaN(expiry)
      ? Number.POSITIVE_INFINITY
      : expiry - EXPIRY_MARGIN_MILLISECONDS;
    const credential = {
      authorization: answer.token && `Bearer ${answer.token}`,
      certificate: answer.clientCertificateData,
      key: answer.clientKeyData,
    };
    cached = { credential, until };
    return credential;
  };
  return {
    async get() {
      if (cached && clock.now() < cached.until) return cached.credential;
      running ??= fetch().finally(() => {
        running = undefined;
      });
      return running;
    },
    rejected() {
      cached = undefined;
    },
  };
}

async function askPlugin(
  settings: ExecSettings & { readonly directory: string },
  surroundings: ExecSurroundings,
): Promise<NonNullable<ExecAnswer['status']>> {
  const apiVersion = settings.apiVersion ?? 'client.authentication.k8s.io/v1';
  const extra = (settings.env ?? []).map(({ name, value }) => [name, value]);
  const spec = {
    interactive: false,
    ...(settings.provideClusterInfo && { cluster: surroundings.cluster }),
  };
  const environment = {
    ...surroundings.environment,
    ...Object.fromEntries(extra),
    KUBERNETES_EXEC_INFO: JSON.stringify({ apiVersion, kind: 'ExecCredential', spec }),
  };
  // A relative path is relative to the kubeconfig; a bare name is looked up in PATH.
  const { command } = settings;
  const program = command.includes('/') ? resolve(settings.directory, command) : command;
  let answer: ExecAnswer;
  try {
    answer = JSON.parse(await surroundings.run(program, settings.args ?? [], environment));
  } catch (error) {
    const hint = settings.installHint ? ` ${settings.installHint.trim()}` : '';
    // A parser quotes its input, which here is a token.
    const detail = error instanceof SyntaxError ? 'its output is not JSON' : messageOf(error);
    throw credentialError(`the credential plugin ${command}: ${detail}.${hint}`);
  }
  const { status } = answer;
  if (answer.kind !== 'ExecCredential' || answer.apiVersion !== apiVersion || !status)
    throw credentialError(`the credential plugin ${command} did not answer in ${apiVersion}`);
  if (!status.token && !(status.clientCertificateData && status.clientKeyData))
    throw credentialError(`the credential plugin ${command} returned no credential`);
  return status;
}

function credentialError(message: string): PoolkeeperError {
  return new PoolkeeperError('CredentialUnavailable', message);
}
