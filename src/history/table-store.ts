// History in Azure Table Storage. The library is loaded only where somebody asked for history.
import type { TokenCredential } from '@azure/core-auth';
import type {
  TableClient,
  TableEntity,
  TableServiceClientOptions,
  TransactionAction,
} from '@azure/data-tables';
import { messageOf, PoolkeeperError } from '../runtime/errors.ts';
import {
  type HistoryEvent,
  type HistoryEventType,
  type HistoryQuery,
  type HistoryStore,
  historyEventTypes,
  type KeptEvent,
} from './port.ts';
import { daysOf, filterFor, partitionKey, rowKey } from './table-keys.ts';

export type TableAccess =
  /** Azure: `https://<account>.table.core.windows.net`, with rights on table data. */
  | { readonly endpoint: string; readonly credential: TokenCredential }
  /** The emulator, or an account whose keys are in use. */
  | { readonly connectionString: string };

export interface TableStoreOptions {
  readonly access: TableAccess;
  /** Letters and digits; made when it isn't there. */
  readonly tableName: string;
  readonly installation: string;
}

/** Transactions under way at once: a batch may be spread over the partitions of many pools. */
const PARALLEL_TRANSACTIONS = 8;
/** The table service's own limit is 32 Ki characters for a text; nobody reads more than this. */
const MAX_TEXT_LENGTH = 1024;

export async function createTableStore(options: TableStoreOptions): Promise<HistoryStore> {
  const { TableClient } = await import('@azure/data-tables');
  const { access, tableName, installation } = options;
  // The recorder owns retries.
  const settings: TableServiceClientOptions = { retryOptions: { maxRetries: 0 } };
  const client =
    'connectionString' in access
      ? TableClient.fromConnectionString(access.connectionString, tableName, {
          ...settings,
          allowInsecureConnection: isEmulator(access.connectionString),
        })
      : new TableClient(access.endpoint, tableName, access.credential, settings);
  return new TableStore(client, installation);
}

class TableStore implements HistoryStore {
  readonly #client: TableClient;
  readonly #installation: string;

  constructor(client: TableClient, installation: string) {
    this.#client = client;
    this.#installation = installation;
  }

  async write(events: readonly KeptEvent[], signal: AbortSignal): Promise<void> {
    const partitions = new Map<string, TransactionAction[]>();
    for (const kept of events) {
      const key = partitionKey(this.#installation, kept.event);
      const actions = partitions.get(key) ?? [];
      // Written again after an answer that was lost, it replaces itself.
      actions.push(['upsert', entityOf(key, kept), 'Replace']);
      partitions.set(key, actions);
    }
    const pending = [...partitions.values()];
    const work = async (): Promise<void> => {
      for (let actions = pending.shift(); actions; actions = pending.shift()) {
        await this.#submit(actions, signal);
      }
    };
    await Promise.all(Array.from({ length: PARALLEL_TRANSACTIONS }, work));
  }

  async read(query: HistoryQuery, signal?: AbortSignal): Promise<readonly HistoryEvent[]> {
    const found: HistoryEvent[] = [];
    for (const day of daysOf(query)) {
      const left = query.limit - found.length;
      if (left <= 0) break;
      found.push(...(await this.#readDay({ ...query, limit: left }, day, signal)));
    }
    return found;
  }

  /** The rows of one partition come newest first; those of several have to be put in order. */
  async #readDay(query: HistoryQuery, day: string, signal?: AbortSignal): Promise<HistoryEvent[]> {
    const onePartition = query.namespace !== undefined && query.pool !== undefined;
    const filter = filterFor(this.#installation, query, day);
    const newestFirst = (a: HistoryEvent, b: HistoryEvent): number => b.time - a.time;
    let found: HistoryEvent[] = [];
    try {
      const rows = this.#client.listEntities<Row>({
        queryOptions: { filter },
        ...(signal && { abortSignal: signal }),
      });
      for await (const row of rows) {
        found.push(eventOf(row));
        if (onePartition && found.length >= query.limit) break;
        if (found.length >= 10 * query.limit) {
          found = found.sort(newestFirst).slice(0, query.limit);
        }
      }
    } catch (error) {
      // Nothing was ever written.
      if (codeOf(error) === 'TableNotFound' || codeOf(error) === 'ResourceNotFound') return [];
      throw refusal(error);
    }
    return found.sort(newestFirst).slice(0, query.limit);
  }

  async #submit(actions: TransactionAction[], signal: AbortSignal): Promise<void> {
    const send = () => this.#client.submitTransaction(actions, { abortSignal: signal });
    try {
      await send();
    } catch (error) {
      if (codeOf(error) !== 'TableNotFound') throw refusal(error);
      await this.#client.createTable({ abortSignal: signal }).catch((thrown: unknown) => {
        if (codeOf(thrown) !== 'TableAlreadyExists') throw refusal(thrown);
      });
      await send().catch((thrown: unknown) => {
        throw refusal(thrown);
      });
    }
  }
}

/** What a row holds; the documentation names these columns. */
type Row = {
  readonly Time: Date | string;
  readonly Event: string;
  readonly Kind: string;
  readonly Namespace: string;
  readonly Pool: string;
  readonly Name: string;
  readonly Uid: string;
  readonly What: string;
  readonly Because: string;
  readonly Claim?: string;
  readonly From?: string;
  readonly Seconds?: number;
  readonly CorrelationId?: string;
};

function entityOf(key: string, kept: KeptEvent): TableEntity<Row> {
  const { event } = kept;
  return {
    partitionKey: key,
    rowKey: rowKey(kept),
    Time: new Date(event.time),
    Event: event.event,
    Kind: event.kind,
    Namespace: event.namespace,
    Pool: event.pool,
    Name: event.name,
    Uid: event.uid,
    What: event.what,
    Because: event.because.slice(0, MAX_TEXT_LENGTH),
    ...(event.claim !== undefined && { Claim: event.claim }),
    ...(event.from !== undefined && { From: event.from }),
    ...(event.seconds !== undefined && { Seconds: Math.round(event.seconds) }),
    ...(event.correlationId !== undefined && { CorrelationId: event.correlationId }),
  };
}

function eventOf(row: Row): HistoryEvent {
  const event = historyEventTypes.find((type) => type === row.Event);
  return {
    time: Date.parse(String(row.Time instanceof Date ? row.Time.toISOString() : row.Time)),
    event: event ?? ('Transition' satisfies HistoryEventType),
    kind: row.Kind,
    namespace: row.Namespace,
    pool: row.Pool,
    name: row.Name,
    uid: row.Uid,
    what: row.What,
    because: row.Because,
    ...(row.Claim !== undefined && { claim: row.Claim }),
    ...(row.From !== undefined && { from: row.From }),
    ...(row.Seconds !== undefined && { seconds: row.Seconds }),
    ...(row.CorrelationId !== undefined && { correlationId: row.CorrelationId }),
  };
}

/** Plain HTTP carries a signed request to this machine only. */
function isEmulator(connectionString: string): boolean {
  if (/UseDevelopmentStorage=true/i.test(connectionString)) return true;
  const endpoint = /TableEndpoint=([^;]+)/i.exec(connectionString)?.[1] ?? '';
  return /^http:\/\/(127\.0\.0\.1|localhost|\[::1\])(:\d+)?\//.test(`${endpoint}/`);
}

function refusal(error: unknown): PoolkeeperError {
  const { statusCode } = error as { statusCode?: number };
  const code = codeOf(error) ?? 'NoAnswer';
  // What is wrong with a request stays wrong; rights and accounts can be mended.
  const retry = statusCode === 400 || statusCode === 413 ? 'never' : 'backoff';
  const [line = ''] = messageOf(error).split('\n');
  return new PoolkeeperError(code, `table storage: ${code}: ${line}`, { retry, cause: error });
}

/** The service's own code: in the error, or in the body that the library left unread. */
function codeOf(error: unknown): string | undefined {
  const { code, details } = error as {
    code?: string;
    details?: { odataError?: { code?: string }; errorCode?: string };
  };
  return details?.odataError?.code ?? details?.errorCode ?? code;
}
