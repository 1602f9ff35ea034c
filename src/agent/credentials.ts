// Where an agent gets credentials from. It has no right to read Secrets; the controller gives it those
// that mounts of its own node need, and nothing else.

import { PoolkeeperError } from '../runtime/errors.ts';

/** What the credentials are for: an object of this node. */
export interface CredentialsSubject {
  /** Default `NodeMount`. */
  readonly kind?: 'NodeMount' | 'BackendProbe';
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

export interface CredentialsSource {
  /**
   * The values that the object needs, by key of their Secret. Rejects with the code
   * `SecretNotFound` when there is none, `CredentialsUnavailable` when nobody could be asked.
   */
  fetch(
    subject: CredentialsSubject,
    signal: AbortSignal,
  ): Promise<Readonly<Record<string, string>>>;
}

/** For agents that were started without one. */
export const noCredentials: CredentialsSource = {
  fetch: () =>
    Promise.reject(
      new PoolkeeperError(
        'CredentialsUnavailable',
        'The agent was started without --credentials-url, so it has nobody to ask for credentials.',
      ),
    ),
};

/** The values with the named keys among them; throws naming those that are missing or empty. */
export function requireKeys<Key extends string>(
  values: Readonly<Partial<Record<string, string>>>,
  keys: readonly Key[],
): Readonly<Record<Key, string> & Partial<Record<string, string>>> {
  const missing = keys.filter((key) => !values[key]);
  if (missing.length > 0)
    throw new PoolkeeperError(
      'SecretNotFound',
      `The Secret of spec.credentialsSecretRef lacks ${missing.join(' and ')}.`,
    );
  return values as Readonly<Record<Key, string> & Partial<Record<string, string>>>;
}

/** What must never be seen of credentials: all but the names, which whoever looks for a fault needs. */
export function secretsIn(values: Readonly<Record<string, string>>): string[] {
  return Object.entries(values).flatMap(([key, value]) => (/username$/i.test(key) ? [] : [value]));
}
