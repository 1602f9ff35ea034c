// Reads the Secrets that storage pools name, one by one and only those: the operator neither lists nor
// watches Secrets, so it needs no right to. What is in them is kept nowhere; of a change only its
// version is remembered.
import { secrets } from '../../api/built-in.ts';
import { ApiError, type KubeClient } from '../../kube/index.ts';

export type SecretRead =
  | {
      readonly type: 'found';
      /** Another one whenever the Secret changed or was made anew. */
      readonly version: string;
      readonly values: Readonly<Record<string, string>>;
    }
  | { readonly type: 'missing'; readonly message: string };

/** `needed` keys must be there and not empty. A file's last line break is no part of a value. */
export async function readSecret(
  client: KubeClient,
  reference: { readonly namespace: string; readonly name: string },
  needed: readonly string[],
): Promise<SecretRead> {
  const { namespace, name } = reference;
  const secret = await client.get(secrets, { namespace, name }).catch(unlessForbidden);
  if (secret === 'forbidden')
    return {
      type: 'missing',
      message: `the operator may not read Secret ${name} in namespace ${namespace}`,
    };
  if (!secret) return { type: 'missing', message: `no Secret ${name} in namespace ${namespace}` };
  const values = Object.fromEntries(
    Object.entries(secret.data ?? {}).map(([key, value]) => [key, decode(value)]),
  );
  const lacking = needed.filter((key) => !values[key]);
  if (lacking.length > 0)
    return { type: 'missing', message: `Secret ${name} lacks the key ${lacking.join(' and ')}` };
  const { uid, resourceVersion } = secret.metadata;
  return { type: 'found', version: `${uid.slice(0, 8)}.${resourceVersion}`, values };
}

function decode(value: string): string {
  return Buffer.from(value, 'base64')
    .toString('utf8')
    .replace(/\r?\n$/, '');
}

/** What may not be read is as good as absent, but said so; any other trouble is the API server's. */
function unlessForbidden(error: unknown): 'forbidden' {
  if (error instanceof ApiError && error.status === 403) return 'forbidden';
  throw error;
}
