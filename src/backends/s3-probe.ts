// Asks an S3 service for a bucket: is it there, may it be listed, how much is in it. A failed HEAD says
// nothing about why, so the list is asked for, whose answer has the service's own code.
import { isIP } from 'node:net';
import type { Measured, Probed, ProbeFailure, ProbeSuccess } from '../plan/probe-observation.ts';
import { withDeadline } from './deadline.ts';
import type { DialOptions } from './dial.ts';
import { type Answer, Exchange } from './exchange.ts';
import { type ProbeEnvironment, probeHttp } from './http-probe.ts';
import { classify, isOfS3, regionOf } from './s3-answer.ts';
import {
  bucketUrl,
  inRegion,
  queryOf,
  type S3Credentials,
  type S3Location,
  signedHeaders,
} from './s3-request.ts';
import { readError, readListing } from './s3-xml.ts';
import { outOfTime, ProbeError, Trace } from './trace.ts';

export type { S3Credentials } from './s3-request.ts';

export interface S3ProbeRequest {
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  readonly pathStyle: boolean;
  readonly prefix: string;
  readonly cdnURL?: string | undefined;
  readonly timeoutMilliseconds: number;
  readonly credentials?: S3Credentials | undefined;
  /** PEM, trusted besides the usual ones. */
  readonly caCertificates?: string | undefined;
  /** 0: no counting this time. */
  readonly countObjectsUpTo: number;
}

const PAGE_OBJECTS = 1000;
/** A page of a thousand objects with the longest keys, and then some. */
const PAGE_BYTES_MAX = 4 * 1024 * 1024;
/** Counting may take so much of the probe's time; what is left over is for the rest. */
const COUNTING_SHARE = 0.6;
/** Services tolerate a quarter of an hour; half of that is already worth a word. */
const SKEW_REMARK_MILLISECONDS = 5 * 60_000;

/** As `probeHttp`: however it ends, that is an observation. */
export function probeS3(
  environment: ProbeEnvironment,
  request: S3ProbeRequest,
  signal: AbortSignal,
): Promise<Probed> {
  const { clock } = environment;
  const { timeoutMilliseconds } = request;
  return withDeadline(clock, { timeoutMilliseconds, signal }, (deadline) =>
    new S3Probe(environment, request, deadline).run(() => signal.throwIfAborted()),
  );
}

class S3Probe {
  readonly #environment: ProbeEnvironment;
  readonly #request: S3ProbeRequest;
  readonly #dialling: Omit<DialOptions, 'trace'>;
  readonly #startedAt: number;
  readonly #remarks: string[] = [];
  #trace: Trace;
  #location: S3Location;
  #exchange: Exchange | undefined;
  #measured: Measured | undefined;

  constructor(environment: ProbeEnvironment, request: S3ProbeRequest, signal: AbortSignal) {
    const { clock, rules, hostAliases } = environment;
    const { endpoint, bucket, region, pathStyle } = request;
    this.#environment = environment;
    this.#request = request;
    this.#dialling = { rules, hostAliases, signal };
    this.#startedAt = clock.monotonic();
    this.#trace = new Trace(clock);
    this.#location = { endpoint: new URL(endpoint), bucket, region, pathStyle };
  }

  async run(throwIfStopped: () => void): Promise<Probed> {
    const outcome = await this.#probe().catch((error: unknown) => {
      throwIfStopped();
      return this.#failure(error);
    });
    await this.#exchange?.close();
    return {
      type: 'probed',
      endpoint: this.#shown(),
      passed: this.#trace.passed,
      totalMilliseconds: this.#environment.clock.monotonic() - this.#startedAt,
      certificateEndsAt: this.#trace.certificateEndsAt,
      measured: this.#measured,
      outcome,
    };
  }

  async #probe(): Promise<ProbeSuccess> {
    await this.#reachBucket();
    if (this.#request.countObjectsUpTo > 0) await this.#count();
    if (this.#request.cdnURL !== undefined) await this.#askCdn(this.#request.cdnURL);
    const { region } = this.#location;
    if (region !== this.#request.region)
      this.#remarks.push(`it is in region ${region}: set spec.s3.region to it`);
    return {
      type: 'succeeded',
      said: `${this.#shown()} can be listed`,
      remarks: this.#remarks,
    };
  }

  /** Until it answers with 200, in whichever region it says that it is. */
  async #reachBucket(): Promise<void> {
    const { endpoint, pathStyle } = this.#location;
    if (!pathStyle && isIP(endpoint.hostname.replace(/^\[|\]$/g, '')) !== 0)
      throw new ProbeError(
        'Protocol',
        'NoVirtualHosts',
        `the bucket can't be a part of the address ${endpoint.hostname}`,
      );
    for (let isSecondTry = false; ; isSecondTry = true) {
      const head = await this.#ask('HEAD', {});
      // Any web server may say 200 to a HEAD: only one of S3's own headers, or a list, proves it.
      if (head.statusCode === 200 && isOfS3(head)) return this.#pass(head);
      // A whole page: more than one service fails to say where the next page begins.
      const list = await this.#ask('GET', this.#listQuery(PAGE_OBJECTS));
      if (list.statusCode === 200 && readListing(list.body)) return this.#pass(list);
      const region = regionOf(head) ?? regionOf(list);
      if (region === undefined || isSecondTry || region === this.#location.region)
        throw this.#refused(list, region);
      await this.#moveTo(region);
    }
  }

  #pass(answer: Answer): void {
    this.#trace.pass('Protocol', 'an answer in S3', answer.milliseconds);
    const who = this.#request.credentials ? 'the credentials are good' : 'open to anybody';
    this.#trace.pass('Authorization', who);
    const skew = this.#skewOf(answer);
    if (skew !== undefined && Math.abs(skew) > SKEW_REMARK_MILLISECONDS)
      this.#remarks.push(`${describeSkew(skew)}: set them right before it refuses requests`);
  }

  async #moveTo(region: string): Promise<void> {
    await this.#exchange?.close();
    this.#exchange = undefined;
    this.#trace = new Trace(this.#environment.clock);
    this.#location = inRegion(this.#location, region);
  }

  async #ask(method: 'HEAD' | 'GET', query: Readonly<Record<string, string>>): Promise<Answer> {
    const url = bucketUrl(this.#location);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const { clock } = this.#environment;
    const { credentials, caCertificates } = this.#request;
    this.#exchange ??= new Exchange(url, this.#trace, {
      ...this.#dialling,
      clock,
      tls: { caCertificates },
    });
    const { region } = this.#location;
    const headers = await signedHeaders({ method, url, region, credentials, now: clock.now() });
    const bodyBytesMax = method === 'HEAD' ? 0 : PAGE_BYTES_MAX;
    return this.#exchange.ask({
      method,
      path: `${url.pathname}${queryOf(url)}`,
      headers,
      bodyBytesMax,
    });
  }

  #listQuery(objects: number, continuationToken?: string): Record<string, string> {
    const { prefix } = this.#request;
    return {
      'list-type': '2',
      'max-keys': String(objects),
      ...(prefix === '' ? {} : { prefix }),
      ...(continuationToken === undefined ? {} : { 'continuation-token': continuationToken }),
    };
  }

  async #count(): Promise<void> {
    const { countObjectsUpTo, timeoutMilliseconds } = this.#request;
    const { clock } = this.#environment;
    const startedAt = clock.monotonic();
    const endsAt = startedAt + timeoutMilliseconds * COUNTING_SHARE;
    let [objects, bytes] = [0, 0];
    let token: string | undefined;
    this.#trace.check = 'Capacity';
    do {
      const page = Math.min(PAGE_OBJECTS, countObjectsUpTo - objects);
      const answer = await this.#ask('GET', this.#listQuery(page, token));
      const listing = answer.statusCode === 200 ? readListing(answer.body) : undefined;
      if (!listing) throw this.#refused(answer, undefined);
      objects += listing.objects;
      bytes += listing.bytes;
      token = listing.continuationToken;
    } while (token !== undefined && objects < countObjectsUpTo && clock.monotonic() < endsAt);
    this.#measured = {
      fileCount: objects,
      usedBytes: bytes,
      fileCountTruncated: token !== undefined,
    };
    const words = token === undefined ? 'counted' : 'counted until the budget was used up';
    this.#trace.pass('Capacity', words, clock.monotonic() - startedAt);
  }

  async #askCdn(cdnURL: string): Promise<void> {
    const { clock } = this.#environment;
    const { timeoutMilliseconds, caCertificates } = this.#request;
    const left = timeoutMilliseconds - (clock.monotonic() - this.#startedAt);
    this.#trace.check = 'CDN';
    const seen = await probeHttp(
      this.#environment,
      { baseURL: cdnURL, method: 'HEAD', timeoutMilliseconds: Math.max(1, left), caCertificates },
      this.#dialling.signal,
    );
    const { outcome, totalMilliseconds } = seen;
    if (outcome.type === 'failed')
      throw new ProbeError(
        'CDN',
        'CdnUnreachable',
        `the bucket answers, its CDN ${cdnURL} does not: ${outcome.message}`,
      );
    if (outcome.type === 'answered' && outcome.statusCode >= 500)
      throw new ProbeError(
        'CDN',
        'CdnInTrouble',
        `the bucket answers, its CDN ${cdnURL} answers ${outcome.statusCode}`,
      );
    this.#trace.pass('CDN', 'the CDN answers', totalMilliseconds);
  }

  /** Why an answer was not the wanted one. */
  #refused(answer: Answer, region: string | undefined): ProbeError {
    const { statusCode, body } = answer;
    const error = readError(body);
    const { check, code } = classify(statusCode, error?.code, {
      isAnonymous: !this.#request.credentials,
      hasOtherRegion: region !== undefined && region !== this.#location.region,
    });
    if (check !== 'Protocol' || error)
      this.#trace.pass('Protocol', 'an answer in S3', answer.milliseconds);
    const skew = this.#skewOf(answer);
    const isSkewed =
      code === 'RequestTimeTooSkewed' ||
      (check === 'Authorization' &&
        skew !== undefined &&
        Math.abs(skew) > 3 * SKEW_REMARK_MILLISECONDS);
    if (isSkewed) {
      const words = skew === undefined ? 'the clocks differ by too much' : describeSkew(skew);
      return new ProbeError('Authorization', 'RequestTimeTooSkewed', words);
    }
    if (code === 'WrongRegion')
      return new ProbeError(
        check,
        code,
        `the bucket is in region ${region}, not ${this.#location.region}`,
      );
    const location = answer.header('location') ?? error?.endpoint;
    if (code === 'Redirected')
      return new ProbeError(check, code, `the bucket is at ${shownPlace(location)}`);
    const words = error?.code === undefined ? '' : ` ${error.code}`;
    const message = error?.message ? `: ${error.message}` : '';
    return new ProbeError(check, code, `it answered ${statusCode}${words}${message}`.slice(0, 512));
  }

  /** How far the service's clock is ahead of ours, as far as it tells. */
  #skewOf(answer: Answer): number | undefined {
    const theirs = Date.parse(answer.header('date') ?? '');
    return Number.isNaN(theirs) ? undefined : theirs - this.#environment.clock.now();
  }

  #failure(error: unknown): ProbeFailure {
    const { timeoutMilliseconds } = this.#request;
    if (this.#dialling.signal.aborted) return outOfTime(this.#trace.check, timeoutMilliseconds);
    if (error instanceof ProbeError) return error;
    throw error;
  }

  #shown(): string {
    const { origin, pathname } = bucketUrl(this.#location);
    return `${origin}${pathname}`;
  }
}

/** Where it leads, without what may be secret in an address. */
function shownPlace(location: string | undefined): string {
  if (location === undefined) return 'another endpoint';
  const url = URL.parse(location);
  return url ? `${url.origin}${url.pathname}` : (location.split('?')[0] ?? location);
}

function describeSkew(milliseconds: number): string {
  const minutes = Math.max(1, Math.round(Math.abs(milliseconds) / 60_000));
  const way = milliseconds > 0 ? 'behind' : 'ahead of';
  return `the operator's clock is ${minutes} min ${way} the service's`;
}
