// Recorded exchanges with the real Azure, distilled: what was asked, and the form of what came back.
// Names, ids, values and times are left out; kept are methods, paths, status codes, the names of the
// headers that clients act on, and the keys and types of bodies.
import { readdirSync, readFileSync } from 'node:fs';
import type { JsonObject } from '../../src/local/azure/json.ts';

/**
 * The form of a JSON value. A text is a type (`string`, `number`, `boolean`), a literal (`=Updating`),
 * `map` for an object with any keys, `any`, or `#name` for a shape of that name; an object with the
 * key `#` takes that shape and lays the rest over it, where null takes a key away.
 */
export type Shape = string | null | Shape[] | { readonly [key: string]: Shape };

export interface RecordedRequest {
  readonly method: string;
  /** `{machine}`, `{disk}` … stand for resources, `{operation}` and `{result}` for the last URLs. */
  readonly path: string;
  readonly body?: JsonObject;
}

export interface Exchange {
  /** Its number in the recording, or in long ones the place. */
  readonly number?: number;
  readonly at?: string;
  readonly what: string;
  /** How long after the exchange before. */
  readonly waitSeconds?: number;
  readonly request: RecordedRequest;
  readonly response: {
    readonly status: number;
    /** Those of `significantHeaders` that were there, in lower case. */
    readonly headers: readonly string[];
    /** The names in `x-ms-ratelimit-remaining-resource`. */
    readonly buckets?: readonly string[];
    readonly etag?: string;
    readonly body?: Shape;
  };
}

export interface Recording {
  readonly name: string;
  /** Repository and path. */
  readonly source: string;
  readonly recorded: string;
  /** How long the recorded operations took, in seconds: the simulator is told to take as long. */
  readonly durations?: Readonly<Record<string, number>>;
  /** Sent beforehand without looking at the answers; `{a machine}` is one without data disks. */
  readonly given?: readonly (RecordedRequest | string)[];
  readonly shapes?: Readonly<Record<string, Shape>>;
  readonly exchanges: readonly Exchange[];
}

export function readRecordings(): Recording[] {
  const folder = new URL('./', import.meta.url);
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json') && file !== 'divergences.json')
    .sort()
    .map((file) => {
      const recording: Omit<Recording, 'name'> = readJson(new URL(file, folder));
      return { name: file.replace('.json', ''), ...recording };
    });
}

export interface Divergence {
  /** As the comparison words it; `*` stands for anything. */
  readonly difference: string;
  /** The recording it is limited to. */
  readonly in?: string;
  readonly reason: string;
}

export function readDivergences(): Divergence[] {
  return readJson(new URL('./divergences.json', import.meta.url));
}

function readJson<T>(url: URL): T {
  return JSON.parse(readFileSync(url, 'utf8'));
}
