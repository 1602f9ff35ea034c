// Requests to an S3 service: where a bucket is addressed, and how a request is signed. The signatures
// are AWS's own code; the connections are the probe's, because only those obey the address rules.
import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

export interface S3Location {
  readonly endpoint: URL;
  readonly bucket: string;
  readonly region: string;
  readonly pathStyle: boolean;
}

/** The bucket itself, without a slash at the end of its path. */
export function bucketUrl({ endpoint, bucket, pathStyle }: S3Location): URL {
  const url = new URL(endpoint.href);
  const base = url.pathname.replace(/\/+$/, '');
  url.search = '';
  if (!pathStyle) url.hostname = `${bucket}.${url.hostname}`;
  url.pathname = pathStyle ? `${base}/${bucket}` : base || '/';
  return url;
}

/** AWS names its regions in the host; a bucket of another region is asked for there. */
export function inRegion(location: S3Location, region: string): S3Location {
  const endpoint = new URL(location.endpoint.href);
  endpoint.hostname = endpoint.hostname.replace(
    /^s3([.-][a-z0-9-]+)?(\.dualstack\.[a-z0-9-]+)?\.amazonaws\.com(\.cn)?$/,
    (_all, _region, dualstack: string | undefined, china: string | undefined) =>
      `s3${dualstack ? '.dualstack' : ''}.${region}.amazonaws.com${china ?? ''}`,
  );
  return { ...location, endpoint, region };
}

export interface Signing {
  readonly method: 'HEAD' | 'GET';
  readonly url: URL;
  readonly region: string;
  /** Without: the request goes out as anybody's. */
  readonly credentials: S3Credentials | undefined;
  /** Since the epoch. */
  readonly now: number;
}

/** The headers to send. */
export async function signedHeaders(signing: Signing): Promise<Record<string, string>> {
  const { method, url, region, credentials, now } = signing;
  if (!credentials) return {};
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  const signer = new SignatureV4({
    service: 's3',
    region,
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) },
    sha256: Sha256,
    // S3 signs the path as it is sent, escaped once.
    uriEscapePath: false,
    applyChecksum: true,
  });
  const request = {
    method,
    protocol: url.protocol,
    hostname: url.hostname,
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    headers: { host: url.host },
  };
  const signed = await signer.sign(request, { signingDate: new Date(now) });
  const { host: _, ...headers } = signed.headers;
  return headers;
}

/** The query as it is signed: `encodeURIComponent`'s escapes, not a form's. */
export function queryOf(url: URL): string {
  const pairs = [...url.searchParams].map(([name, value]) => `${escaped(name)}=${escaped(value)}`);
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}

function escaped(text: string): string {
  const hex = (character: string): string =>
    `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
  return encodeURIComponent(text).replace(/[!'()*]/g, hex);
}

type Bytes = string | ArrayBuffer | ArrayBufferView;

/** Node's own SHA-256, in the shape that the signer wants. */
class Sha256 {
  readonly #hash: Hash | Hmac;

  constructor(secret?: Bytes) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', viewOf(secret));
  }

  update(bytes: Bytes): void {
    this.#hash.update(viewOf(bytes));
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }

  reset(): void {
    throw new Error('a digest is made once');
  }
}

function viewOf(bytes: Bytes): Uint8Array | string {
  if (typeof bytes === 'string') return bytes;
  if (bytes instanceof ArrayBuffer) return new Uint8Array(bytes);
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
