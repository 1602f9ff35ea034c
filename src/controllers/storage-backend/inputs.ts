// What a probe needs besides the spec: credentials and certificates. Read for every probe and kept
// nowhere, so that a rotated Secret counts at once and a removed one is gone. Only their versions are
// remembered, to notice a change.
import { X509Certificate } from 'node:crypto';
import { type ConfigMap, configMaps, type Secret, secrets } from '../../api/built-in.ts';
import type { StorageBackend } from '../../api/storage-backend.ts';
import type { ClientCertificate, S3Credentials } from '../../backends/index.ts';
import type { KubeClient } from '../../kube/index.ts';
import type { Unprepared } from '../../plan/probe-observation.ts';
import { type InputReference, type InputSightings, inputsOf, orForbidden } from './sightings.ts';

export interface ProbeInputs {
  readonly type: 'ready';
  readonly authorization?: string | undefined;
  readonly clientCertificate?: ClientCertificate | undefined;
  readonly s3?: S3Credentials | undefined;
  readonly caCertificates?: string | undefined;
}

export interface ReadInputs {
  readonly inputs: ProbeInputs | Unprepared;
  /** Another one whenever anything that was read, or should have been, has changed. */
  readonly version: string;
}

export async function readInputs(
  client: KubeClient,
  sightings: InputSightings,
  backend: StorageBackend,
): Promise<ReadInputs> {
  const references = inputsOf(backend);
  const reader = await Reader.read(client, sightings, references);
  const version = await sightings.versionOf(references, Number.POSITIVE_INFINITY);
  try {
    return { inputs: prepare(reader, backend), version };
  } catch (error) {
    if (error instanceof InputProblem) return { inputs: error.observation, version };
    throw error;
  }
}

function prepare(reader: Reader, { spec }: StorageBackend): ProbeInputs {
  if (spec.type !== 'http' && spec.type !== 's3') return { type: 'ready' };
  checkAddresses(spec);
  const secret = spec.credentialsSecretRef && reader.secret(spec.credentialsSecretRef.name);
  const caCertificates = spec.caBundle && certificatesOf(reader, spec.caBundle);
  const base = { type: 'ready', caCertificates } as const;
  if (!secret) return base;
  if (spec.type === 's3') return { ...base, s3: s3CredentialsOf(secret) };
  switch (spec.http.authentication) {
    case 'Basic':
      return { ...base, authorization: basicOf(secret) };
    case 'Bearer':
      return { ...base, authorization: bearerOf(secret) };
    case 'ClientCertificate':
      return { ...base, clientCertificate: clientCertificateOf(secret) };
    case 'None':
      return base;
  }
}

/** What a pattern can't tell at admission: `http://256.1.1.1/` is made of the right characters. */
function checkAddresses(spec: StorageBackend['spec'] & { type: 'http' | 's3' }): void {
  const addresses =
    spec.type === 'http'
      ? { 'spec.http.baseURL': spec.http.baseURL }
      : { 'spec.s3.endpoint': spec.s3.endpoint, 'spec.s3.cdnURL': spec.s3.cdnURL };
  for (const [field, address] of Object.entries(addresses))
    if (address !== undefined && !URL.canParse(address))
      throw problem(`${field}: ${address} is not the address of anything`, 'InvalidSpec');
}

interface Keys {
  readonly kind: 'Secret' | 'ConfigMap';
  readonly name: string;
  /** Of a Secret decoded, without the line break that ends a file. */
  readonly values: Readonly<Record<string, string>>;
}

function need({ kind, name, values }: Keys, ...keys: string[]): string[] {
  const missing = keys.filter((key) => !values[key]);
  if (missing.length > 0)
    throw problem(
      `${kind} ${name} needs the keys ${keys.join(' and ')}; ${missing.join(' and ')} is missing`,
    );
  return keys.map((key) => values[key]!);
}

function basicOf(secret: Keys): string {
  const [username, password] = need(secret, 'username', 'password');
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

function bearerOf(secret: Keys): string {
  const [token] = need(secret, 'token');
  // A header can't carry line breaks or what is not ASCII.
  const trimmed = token!.trim();
  if (!/^[\x21-\x7e]+$/.test(trimmed))
    throw problem(`the key token of Secret ${secret.name} is no bearer token`);
  return `Bearer ${trimmed}`;
}

function clientCertificateOf(secret: Keys): ClientCertificate {
  const [certificate, key] = need(secret, 'tls.crt', 'tls.key');
  if (!isPem(certificate!))
    throw problem(`the key tls.crt of Secret ${secret.name} holds no certificate in PEM`);
  return { certificate: certificate!, key: key! };
}

function s3CredentialsOf(secret: Keys): S3Credentials {
  const [accessKeyId, secretAccessKey] = need(secret, 'accessKeyId', 'secretAccessKey');
  const sessionToken = secret.values['sessionToken'] || undefined;
  for (const text of [accessKeyId, sessionToken ?? 'none'])
    if (!/^[\x21-\x7e]+$/.test(text!))
      throw problem(
        `Secret ${secret.name}: accessKeyId and sessionToken are single words of ASCII`,
      );
  return { accessKeyId: accessKeyId!, secretAccessKey: secretAccessKey!, sessionToken };
}

type CaBundle = NonNullable<(StorageBackend['spec'] & { type: 'http' })['caBundle']>;

function certificatesOf(reader: Reader, caBundle: CaBundle): string {
  const isSecret = caBundle.type === 'Secret';
  const { name, key } = isSecret ? caBundle.secret : caBundle.configMap;
  const { values } = isSecret ? reader.secret(name) : reader.configMap(name);
  const where = `spec.caBundle: ${caBundle.type} ${name}`;
  const text = values[key];
  if (text === undefined)
    throw problem(`${where} has no key ${key}`, isSecret ? 'SecretNotFound' : 'ReferenceNotFound');
  if (!isPem(text))
    throw problem(`${where}, key ${key}, does not hold certificates in PEM`, 'InvalidSpec');
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

/** Everything that the backend names, read at once, so that the version is of all of it. */
class Reader {
  readonly #found: ReadonlyMap<string, Keys>;

  private constructor(found: ReadonlyMap<string, Keys>) {
    this.#found = found;
  }

  static async read(
    client: KubeClient,
    sightings: InputSightings,
    references: readonly InputReference[],
  ): Promise<Reader> {
    const found = new Map<string, Keys>();
    await Promise.all(
      references.map(async (reference) => {
        const { kind, name } = reference;
        const object = await orForbidden<Secret | ConfigMap | undefined>(
          kind === 'Secret' ? client.get(secrets, reference) : client.get(configMaps, reference),
        );
        sightings.saw(reference, object?.metadata);
        const decode = kind === 'Secret' ? decoded : (text: string) => text;
        const values = Object.entries(object?.data ?? {}).map(([key, text]) => [key, decode(text)]);
        if (object)
          found.set(`${kind} ${name}`, { kind, name, values: Object.fromEntries(values) });
      }),
    );
    return new Reader(found);
  }

  secret(name: string): Keys {
    const found = this.#found.get(`Secret ${name}`);
    if (!found) throw problem(`no Secret ${name} can be read in this namespace`);
    return found;
  }

  configMap(name: string): Keys {
    const found = this.#found.get(`ConfigMap ${name}`);
    if (!found)
      throw problem(`no ConfigMap ${name} can be read in this namespace`, 'ReferenceNotFound');
    return found;
  }
}

function decoded(base64: string): string {
  return Buffer.from(base64, 'base64')
    .toString('utf8')
    .replace(/\r?\n$/, '');
}

class InputProblem extends Error {
  readonly observation: Unprepared;

  constructor(observation: Unprepared) {
    super(observation.message);
    this.observation = observation;
  }
}

function problem(message: string, reason: Unprepared['reason'] = 'SecretNotFound'): InputProblem {
  return new InputProblem({ type: 'unprepared', reason, message });
}
