// Where an answer of the simulator differs in form from a recorded one, one line per difference.
import type { ArmResponse } from '../../src/local/azure/index.ts';
import type { Exchange, Shape } from './recording.ts';

/** Headers that clients act on; the rest (dates, request ids, caching, servers) is left out. */
const significantHeaders =
  /^(azure-async(operation|notification)|location|retry-after|etag|x-ms-ratelimit-.*|x-ms-user-quota-.*)$/;

export type Shapes = Readonly<Record<string, Shape>>;

/** `missing`: Azure sent it and the simulator doesn't; `added`: the other way round. */
export function differencesOf(
  wanted: Exchange['response'],
  got: ArmResponse,
  shapes: Shapes,
): string[] {
  const differences: string[] = [];
  if (got.status !== wanted.status)
    differences.push(`status ${got.status} instead of ${wanted.status}`);
  const headers = Object.keys(got.headers).filter((name) => significantHeaders.test(name));
  differences.push(...setDifferences('header', wanted.headers, headers));
  const remaining = got.headers['x-ms-ratelimit-remaining-resource'];
  if (remaining !== undefined)
    differences.push(...setDifferences('bucket', wanted.buckets ?? [], bucketNames(remaining)));
  if (wanted.etag !== undefined && got.headers['etag'] !== wanted.etag)
    differences.push(`etag ${got.headers['etag']} instead of ${wanted.etag}`);
  differences.push(...bodyDifferences('body', wanted.body, got.body, shapes));
  return [...new Set(differences)];
}

function bucketNames(header: string): string[] {
  return header.split(',').map((part) => part.replace('Microsoft.Compute/', '').split(';')[0]!);
}

function setDifferences(what: string, wanted: readonly string[], got: readonly string[]): string[] {
  return [
    ...wanted.filter((name) => !got.includes(name)).map((name) => `${what} ${name} missing`),
    ...got.filter((name) => !wanted.includes(name)).map((name) => `${what} ${name} added`),
  ];
}

function bodyDifferences(
  path: string,
  wanted: Shape | undefined,
  got: unknown,
  shapes: Shapes,
): string[] {
  const shape = wanted === undefined ? undefined : resolve(wanted, shapes);
  if (shape === 'any') return [];
  if (shape === undefined || shape === null) return got === undefined ? [] : [`${path} added`];
  if (got === undefined) return [`${path} missing`];
  if (typeof shape === 'string') return leafDifferences(path, shape, got);
  if (Array.isArray(shape)) {
    if (!Array.isArray(got)) return [`${path} is ${typeOf(got)} instead of array`];
    const counts =
      got.length === shape.length
        ? []
        : [`${path} has ${got.length} entries instead of ${shape.length}`];
    return [
      ...counts,
      ...shape.flatMap((entry, index) =>
        index < got.length ? bodyDifferences(`${path}[]`, entry, got[index], shapes) : [],
      ),
    ];
  }
  if (typeOf(got) !== 'map') return [`${path} is ${typeOf(got)} instead of map`];
  const found = got as Record<string, unknown>;
  const keys = new Set([...Object.keys(shape), ...Object.keys(found)]);
  return [...keys].flatMap((key) =>
    bodyDifferences(`${path}.${key}`, shape[key], found[key], shapes),
  );
}

function leafDifferences(path: string, shape: string, got: unknown): string[] {
  if (shape.startsWith('=')) {
    const literal = shape.slice(1);
    return String(got) === literal ? [] : [`${path} is ${String(got)} instead of ${literal}`];
  }
  return typeOf(got) === shape ? [] : [`${path} is ${typeOf(got)} instead of ${shape}`];
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value === 'object' ? 'map' : typeof value;
}

/** Follows `#name`, and lays the rest of an object with the key `#` over the shape it names. */
function resolve(shape: Shape, shapes: Shapes): Shape {
  if (typeof shape === 'string')
    return shape.startsWith('#') ? resolve(named(shape.slice(1), shapes), shapes) : shape;
  if (shape === null || Array.isArray(shape)) return shape;
  const { '#': name, ...rest } = shape;
  if (typeof name !== 'string') return shape;
  return overlay(resolve(named(name, shapes), shapes), rest);
}

function named(name: string, shapes: Shapes): Shape {
  const shape = shapes[name];
  if (shape === undefined) throw new Error(`there is no shape ${name}`);
  return shape;
}

function overlay(base: Shape, over: Shape): Shape {
  if (!isMap(base) || !isMap(over)) return over;
  const merged: Record<string, Shape> = { ...base };
  for (const [key, value] of Object.entries(over)) merged[key] = overlay(base[key] ?? '', value);
  return merged;
}

function isMap(shape: Shape): shape is { readonly [key: string]: Shape } {
  return typeof shape === 'object' && shape !== null && !Array.isArray(shape);
}
