// Of what S3 services say in XML, the few elements that probes are after. Keys of objects are not read.

export interface S3Error {
  readonly code: string | undefined;
  readonly message: string | undefined;
  readonly region: string | undefined;
  readonly endpoint: string | undefined;
}

/** Undefined when it is no error of an S3 service. */
export function readError(body: string): S3Error | undefined {
  if (!/<Error[\s>]/.test(body)) return undefined;
  return {
    code: textOf(body, 'Code'),
    message: textOf(body, 'Message'),
    region: textOf(body, 'Region'),
    endpoint: textOf(body, 'Endpoint'),
  };
}

export interface Listing {
  readonly objects: number;
  readonly bytes: number;
  /** Present when there is more. */
  readonly continuationToken: string | undefined;
}

/** Undefined when it is no list of objects, or not a whole one. */
export function readListing(body: string): Listing | undefined {
  if (!/<ListBucketResult[\s>]/.test(body) || !/<\/ListBucketResult\s*>\s*$/.test(body))
    return undefined;
  let [objects, bytes] = [0, 0];
  for (const [, digits] of body.matchAll(/<Size>\s*(\d{1,19})\s*<\/Size>/g)) {
    objects++;
    bytes += Number(digits);
  }
  const isTruncated = textOf(body, 'IsTruncated') === 'true';
  return {
    objects,
    bytes: Math.min(bytes, Number.MAX_SAFE_INTEGER),
    continuationToken: isTruncated ? textOf(body, 'NextContinuationToken') : undefined,
  };
}

function textOf(body: string, element: string): string | undefined {
  const found = new RegExp(`<${element}>([^<]*)</${element}>`).exec(body)?.[1];
  return found === undefined ? undefined : unescaped(found.trim());
}

const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
};

function unescaped(text: string): string {
  return text.replace(/&(#x[0-9a-f]{1,6}|#\d{1,7}|[a-z]+);/gi, (all, name: string) => {
    if (!name.startsWith('#')) return ENTITIES[name] ?? all;
    const code = /^#x/i.test(name) ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : all;
  });
}
