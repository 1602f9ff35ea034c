// Resource Graph: late, paged, counted, and picky about its language.
import { createHash } from 'node:crypto';
import { randomUuid } from '../../../runtime/random.ts';
import type { Cloud } from '../calls.ts';
import { formatMoment } from '../calls.ts';
import { ArmError } from '../errors.ts';
import { effectOf, type FaultEffect } from '../faults.ts';
import { isJsonObject, type JsonObject } from '../json.ts';
import type { Reply } from '../messages.ts';
import type { Row } from './conditions.ts';
import { type QueryResult, runQuery } from './evaluator.ts';
import { LaggingIndex } from './lagging-index.ts';
import { parseQuery } from './parser.ts';
import { QueryQuota } from './quota.ts';
import { resourceColumns } from './rows.ts';
import { QueryError } from './tokens.ts';

const MAX_PAGE_ROWS = 1000;
const HISTORY_SWEEP_QUERIES = 100;

interface SkipToken {
  readonly offset: number;
  readonly page: number;
  readonly query: string;
}

export class ResourceGraph {
  readonly #cloud: Cloud;
  readonly #index: LaggingIndex;
  readonly #quota: QueryQuota;
  #queries = 0;

  constructor(cloud: Cloud) {
    this.#cloud = cloud;
    this.#index = new LaggingIndex(cloud);
    this.#quota = new QueryQuota(cloud.settings.throttling);
  }

  /** Which page a request asks for, counted from 1. */
  pageOf(body: JsonObject): number {
    return readSkipToken(optionsOf(body)['$skipToken'])?.page ?? 1;
  }

  query(body: JsonObject, effects: readonly FaultEffect[], now: number): Reply {
    const headers = this.#quota.take(now);
    if (++this.#queries % HISTORY_SWEEP_QUERIES === 0) this.#index.forgetHistory(now);
    try {
      return { status: 200, headers, body: this.#run(body, effects, now) };
    } catch (thrown) {
      if (!(thrown instanceof QueryError)) throw thrown;
      throw this.#invalidQuery(thrown, headers, now);
    }
  }

  #run(body: JsonObject, effects: readonly FaultEffect[], now: number): JsonObject {
    const text = typeof body['query'] === 'string' ? body['query'] : '';
    const options = optionsOf(body);
    const token = readSkipToken(options['$skipToken']);
    if (options['$skipToken'] !== undefined && token?.query !== fingerprint(text))
      throw new QueryError('InvalidSkipToken', undefined, 'the token of this query');
    const backwards = effectOf(effects, 'graphBackwards');
    const window = ((backwards?.windowSeconds ?? 0) * 1000) / this.#cloud.settings.speed;
    const time = now - this.#cloud.runtime.random.next() * window;
    const rows = this.#index.rowsAt(time).filter(inScope(body['subscriptions']));
    const result = runQuery(parseQuery(text), { rows, columns: resourceColumns }, now);
    const offset = token?.offset ?? numberOption(options['$skip'], 0);
    const top = Math.min(numberOption(options['$top'], MAX_PAGE_ROWS), MAX_PAGE_ROWS);
    const shortPage = effectOf(effects, 'graphShortPage');
    const page = result.rows.slice(offset, offset + (shortPage?.rows ?? top));
    const hasMore = !shortPage && offset + page.length < result.rows.length;
    const pageable = !result.limited && result.columns.includes('id');
    const next: SkipToken = {
      offset: offset + page.length,
      page: (token?.page ?? 1) + 1,
      query: fingerprint(text),
    };
    return {
      totalRecords: result.rows.length,
      count: page.length,
      data: options['resultFormat'] === 'table' ? asTable(page, result) : page.map(asObject),
      facets: [],
      // A string, and "false" as long as there is a token to go on with.
      resultTruncated: String(hasMore && !pageable),
      ...(hasMore && pageable && { $skipToken: writeSkipToken(next) }),
    };
  }

  #invalidQuery(error: QueryError, headers: Record<string, string>, now: number): ArmError {
    const correlationId = randomUuid(this.#cloud.runtime.random);
    const place = error.token && {
      line: error.token.line,
      characterPositionInLine: error.token.column,
      token: error.token.text,
      expectedToken: error.expected,
    };
    const message =
      `Please provide below info when asking for support: timestamp = ${formatMoment(now)}, ` +
      `correlationId = ${correlationId}.`;
    const details = [
      {
        code: 'InvalidQuery',
        message:
          'Query is invalid. Please refer to the documentation for the Azure Resource Graph ' +
          'service and fix the error before retrying.',
      },
      { code: error.code, message: place ? error.code : error.expected, ...place },
    ];
    return new ArmError(400, { code: 'BadRequest', message, details }, headers);
  }
}

function optionsOf(body: JsonObject): JsonObject {
  return isJsonObject(body['options']) ? body['options'] : {};
}

function numberOption(value: unknown, fallback: number): number {
  return typeof value === 'number' && value >= 0 ? value : fallback;
}

function inScope(subscriptions: unknown): (row: Row) => boolean {
  if (!Array.isArray(subscriptions)) return () => true;
  const wanted = new Set(subscriptions.map((id) => String(id).toLowerCase()));
  return (row) => wanted.has(String(row['subscriptionId']).toLowerCase());
}

function fingerprint(query: string): string {
  return createHash('sha256').update(query).digest('hex').slice(0, 16);
}

function writeSkipToken(token: SkipToken): string {
  return Buffer.from(JSON.stringify(token)).toString('base64');
}

function readSkipToken(value: unknown): SkipToken | undefined {
  if (typeof value !== 'string') return undefined;
  try {
    return JSON.parse(Buffer.from(value, 'base64').toString()) as SkipToken;
  } catch {
    return undefined;
  }
}

function asObject(row: Row): JsonObject {
  return JSON.parse(JSON.stringify(row)) as JsonObject;
}

function asTable(rows: readonly Row[], result: QueryResult): JsonObject {
  return {
    columns: result.columns.map((name) => ({ name, type: 'object' })),
    rows: rows.map((row) => {
      const object = asObject(row);
      return result.columns.map((name) => object[name] ?? null);
    }),
  };
}
