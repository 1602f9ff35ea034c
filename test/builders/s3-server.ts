// A small S3 service on loopback that checks signatures the way S3 does, with its own arithmetic, and
// answers with S3's own codes. What real services do besides is met in test/s3.
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock } from '../../src/runtime/clock.ts';

export interface S3ServerOptions {
  readonly buckets: Readonly<Record<string, { region: string; objects: readonly S3Object[] }>>;
  /** Secrets by access key. */
  readonly keys: Readonly<Record<string, string>>;
  /** Milliseconds that the service's clock is ahead. */
  skew?: number;
  /** Answered instead of anything else. */
  answer?: (request: IncomingMessage, response: ServerResponse) => boolean;
}

export interface S3Object {
  readonly key: string;
  readonly size: number;
}

export interface S3Server {
  /** `127.0.0.1:PORT`. */
  readonly address: string;
  readonly requests: string[];
  close(): void;
}

const TOLERANCE_MILLISECONDS = 15 * 60_000;

export async function startS3Server(options: S3ServerOptions): Promise<S3Server> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    if (options.answer?.(request, response)) return;
    const url = new URL(request.url ?? '/', 'http://s3.example');
    const name = decodeURIComponent(url.pathname.split('/')[1] ?? '');
    const bucket = options.buckets[name];
    const now = systemClock.now() + (options.skew ?? 0);
    response.setHeader('date', new Date(now).toUTCString());
    const refusal = check(request, url, { ...options, now, region: bucket?.region });
    const fail = (status: number, code: string, more = ''): void => {
      response.writeHead(status, { 'content-type': 'application/xml' });
      response.end(
        request.method === 'HEAD'
          ? undefined
          : `<?xml version="1.0"?><Error><Code>${code}</Code><Message>told by the test</Message>${more}</Error>`,
      );
    };
    if (refusal) return fail(refusal.status, refusal.code, refusal.more);
    if (!bucket) return fail(404, 'NoSuchBucket');
    if (request.method === 'HEAD') {
      response.writeHead(200, { 'x-amz-bucket-region': bucket.region }).end();
      return;
    }
    response.writeHead(200, { 'content-type': 'application/xml' });
    response.end(listing(url, bucket.objects));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

function listing(url: URL, objects: readonly S3Object[]): string {
  const prefix = url.searchParams.get('prefix') ?? '';
  const matching = objects.filter(({ key }) => key.startsWith(prefix));
  const from = Number(Buffer.from(url.searchParams.get('continuation-token') ?? '', 'base64') || 0);
  const count = Number(url.searchParams.get('max-keys') ?? 1000);
  const page = matching.slice(from, from + count);
  const end = from + page.length;
  const isTruncated = end < matching.length;
  const contents = page.map(
    ({ key, size }) => `<Contents><Key>${key}</Key><Size>${size}</Size></Contents>`,
  );
  const token = isTruncated
    ? `<NextContinuationToken>${Buffer.from(String(end)).toString('base64')}</NextContinuationToken>`
    : '';
  return (
    `<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">` +
    `<IsTruncated>${isTruncated}</IsTruncated><KeyCount>${page.length}</KeyCount>${token}` +
    `${contents.join('')}</ListBucketResult>`
  );
}

interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly more?: string;
}

function check(
  request: IncomingMessage,
  url: URL,
  known: { keys: S3ServerOptions['keys']; now: number; region: string | undefined },
): Refusal | undefined {
  const { authorization } = request.headers;
  if (authorization === undefined) return { status: 403, code: 'AccessDenied' };
  const found =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(
      authorization,
    );
  if (!found) return { status: 400, code: 'AuthorizationHeaderMalformed' };
  const [, key = '', day = '', region = '', signedHeaders = '', signature = ''] = found;
  const secret = known.keys[key];
  if (secret === undefined) return { status: 403, code: 'InvalidAccessKeyId' };
  const time = String(request.headers['x-amz-date']);
  const signedAt = Date.parse(
    time.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'),
  );
  if (Math.abs(signedAt - known.now) > TOLERANCE_MILLISECONDS)
    return { status: 403, code: 'RequestTimeTooSkewed' };
  if (known.region !== undefined && region !== known.region)
    return {
      status: 400,
      code: 'AuthorizationHeaderMalformed',
      more: `<Region>${known.region}</Region>`,
    };
  const scope = `${day}/${region}/s3/aws4_request`;
  const canonical = canonicalRequest(request, url, signedHeaders);
  const toSign = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${sha256(canonical)}`;
  const signingKey = [day, region, 's3', 'aws4_request'].reduce<Buffer>(
    (chain, part) => createHmac('sha256', chain).update(part).digest(),
    Buffer.from(`AWS4${secret}`),
  );
  const wanted = createHmac('sha256', signingKey).update(toSign).digest();
  const isGood = timingSafeEqual(wanted, Buffer.from(signature, 'hex'));
  return isGood ? undefined : { status: 403, code: 'SignatureDoesNotMatch' };
}

function canonicalRequest(request: IncomingMessage, url: URL, signedHeaders: string): string {
  const query = url.search
    .slice(1)
    .split('&')
    .filter((pair) => pair !== '')
    .sort()
    .join('&');
  const headers = signedHeaders
    .split(';')
    .map((name) => `${name}:${String(request.headers[name]).trim().replace(/ +/g, ' ')}\n`)
    .join('');
  const payload = String(request.headers['x-amz-content-sha256']);
  return [request.method, url.pathname, query, headers, signedHeaders, payload].join('\n');
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
