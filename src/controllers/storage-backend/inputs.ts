// What a probe needs besides the spec: credentials and certificates. Read for every probe and kept
// nowhere, so that a rotated Secret counts at once and a removed one is gone.
import { X509Certificate } from 'node:crypto';
import { configMaps, secrets } from '../../api/built-in.ts';
import type { StorageBackend } from '../../api/storage-backend.ts';
import { ApiError, type KubeClient } from '../../kube/index.ts';
import type { Unprepared } from '../../plan/storage-backend-probe.ts';

export interface ProbeInputs {
  readonly type: 'ready';
  readonly authorization?: string | undefined;
  readonly caCertificates?: string | undefined;
}

export async function readInputs(
  client: KubeClient,
  backend: StorageBackend,
): Promise<ProbeInputs | Unprepared> {
  const authorization = await readAuthorization(client, backend);
  if (typeof authorization === 'object') return authorization;
  const caCertificates = await readCertificates(client, backend);
  if (typeof caCertificates === 'object') return caCertificates;
  return { type: 'ready', authorization, caCertificates };
}

async function readAuthorization(
  client: KubeClient,
  { metadata, spec }: StorageBackend,
): Promise<string | undefined | Unprepared> {
  if (!spec.credentialsSecretRef) return undefined;
  const { name } = spec.credentialsSecretRef;
  const data = await readSecret(client, metadata.namespace, name);
  if (!data) return notFound(`spec.credentialsSecretRef.name: no Secret ${name} can be read`);
  const token = decode(data['token']);
  if (token !== undefined) {
    // A header can't carry line breaks, and a file's last one is no part of the token.
    const trimmed = token.trim();
    if (/^[\x21-\x7e]+$/.test(trimmed)) return `Bearer ${trimmed}`;
    return notFound(`the key token of Secret ${name} is no bearer token`);
  }
  const [username, password] = [decode(data['username']), decode(data['password'])];
  if (username === undefined || password === undefined)
    return notFound(`Secret ${name} needs the key token, or the keys username and password`);
  const pair = `${username.trimEnd()}:${password.replace(/\r?\n$/, '')}`;
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}

async function readCertificates(
  client: KubeClient,
  { metadata, spec }: StorageBackend,
): Promise<string | undefined | Unprepared> {
  const { caBundle } = spec;
  if (!caBundle) return undefined;
  const { namespace } = metadata;
  const isSecret = caBundle.type === 'Secret';
  const { name, key } = isSecret ? caBundle.secret : caBundle.configMap;
  const where = `spec.caBundle: ${caBundle.type} ${name}`;
  const missing = isSecret ? 'SecretNotFound' : 'ReferenceNotFound';
  const data = isSecret
    ? await readSecret(client, namespace, name)
    : await readConfigMap(client, namespace, name);
  if (!data) return notFound(`${where} can't be read`, missing);
  const text = isSecret ? decode(data[key]) : data[key];
  if (text === undefined) return notFound(`${where} has no key ${key}`, missing);
  if (!isPem(text))
    return notFound(`${where}, key ${key}, does not hold certificates in PEM`, 'InvalidSpec');
  return text;
}

function isPem(text: string): boolean {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  try {
    for (const block of blocks) new X509Certificate(block);
  } catch {
    return false;
  }
  return blocks.length > 0;
}

type Data = Readonly<Record<string, string>>;

async function readSecret(
  client: KubeClient,
  namespace: string,
  name: string,
): Promise<Data | undefined> {
  return readable(async () => {
    const secret = await client.get(secrets, { namespace, name });
    return secret && (secret.data ?? {});
  });
}

async function readConfigMap(
  client: KubeClient,
  namespace: string,
  name: string,
): Promise<Data | undefined> {
  return readable(async () => {
    const configMap = await client.get(configMaps, { namespace, name });
    return configMap && (configMap.data ?? {});
  });
}

/** What may not be read is as good as absent; any other trouble is the API server's. */
async function readable(read: () => Promise<Data | undefined>): Promise<Data | undefined> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof ApiError && error.status === 403) return undefined;
    throw error;
  }
}

function decode(value: string | undefined): string | undefined {
  return value === undefined ? undefined : Buffer.from(value, 'base64').toString('utf8');
}

function notFound(message: string, reason: Unprepared['reason'] = 'SecretNotFound'): Unprepared {
  return { type: 'unprepared', reason, message };
}
