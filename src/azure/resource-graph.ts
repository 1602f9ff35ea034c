// Discovery: one query for everything of an installation in a subscription, whatever the pool. The
// result is complete or an error; it lags behind the truth without bound, so nothing is decided on it.
import { sleep } from '../runtime/clock.ts';
import { resourceTypes } from './arm-id.ts';
import type { ArmCall, Outcome } from './calls.ts';
import type { ArmClient } from './client.ts';
import { CloudError } from './errors.ts';
import { describe } from './failures.ts';
import type { CallContext, DiscoveredResource } from './port.ts';

const INSTALLATION_TAG = 'poolkeeper:installation';
const PAGE_ROWS = 1000;
/** Far above what one installation holds; a token that never ends must not loop for ever. */
const MAX_PAGES = 200;
/** Azure counts queries in windows of five seconds; longer waits are left to the caller. */
const MAX_QUOTA_WAIT_MILLISECONDS = 10_000;

export interface DiscoveryQuery {
  readonly subscriptionId: string;
  readonly installation: string;
}

interface Page {
  readonly totalRecords: number;
  readonly count: number;
  readonly skipToken?: string;
  readonly resultTruncated?: string;
  readonly data: unknown;
}

export async function discoverResources(
  client: ArmClient,
  query: DiscoveryQuery,
  context: CallContext,
): Promise<readonly DiscoveredResource[]> {
  const call: ArmCall = {
    operation: 'resourceGraph.resources',
    method: 'POST',
    target: 'resourceGraph/resources',
    subscriptionId: query.subscriptionId,
  };
  const text = discoveryQueryText(query.installation);
  const found = new Map<string, DiscoveredResource>();
  let rowCount = 0;
  let skipToken: string | undefined;
  for (let page = 0; page < MAX_PAGES; page++) {
    const outcome = await fetchPage(client, { call, query, text, skipToken }, context);
    const rows = readRows(call, outcome.value);
    rowCount += rows.length;
    for (const row of rows) {
      const resource = readRow(row);
      // A resource that moved between pages while they were read may come twice.
      if (resource) found.set(resource.id, resource);
    }
    skipToken = outcome.value.skipToken || undefined;
    if (!skipToken) {
      if (rowCount < outcome.value.totalRecords)
        throw incomplete(call, `${rowCount} of ${outcome.value.totalRecords} rows`);
      return [...found.values()];
    }
    await waitForQuota(client, outcome, context);
  }
  throw incomplete(call, `no end after ${MAX_PAGES} pages`);
}

/** The one query text of the product. */
export function discoveryQueryText(installation: string): string {
  const types = resourceTypes.map(({ type }) => quote(type)).join(', ');
  return [
    'Resources',
    `| where type in~ (${types})`,
    `| where tostring(tags[${quote(INSTALLATION_TAG)}]) == ${quote(installation)}`,
    '| project id, name, type, location, zones, tags, managedBy,' +
      ' provisioningState = tostring(properties.provisioningState),' +
      ' powerState = tostring(properties.extended.instanceView.powerState.code),' +
      ' timeCreated = tostring(properties.timeCreated)',
    '| order by id asc',
  ].join('\n');
}

/** A KQL string literal. */
function quote(value: string): string {
  const escaped = value.replace(/[\\'"]/g, (character) => `\\${character}`);
  const printable = escaped.replace(/\p{Cc}/gu, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
  return `'${printable}'`;
}

function fetchPage(
  client: ArmClient,
  page: {
    readonly call: ArmCall;
    readonly query: DiscoveryQuery;
    readonly text: string;
    readonly skipToken: string | undefined;
  },
  context: CallContext,
): Promise<Outcome<Page>> {
  const { call, query, text, skipToken } = page;
  return client.run(call, context, (options) =>
    client.graph().resources(
      {
        subscriptions: [query.subscriptionId],
        query: text,
        options: {
          resultFormat: 'objectArray',
          top: PAGE_ROWS,
          allowPartialScopes: false,
          ...(skipToken && { skipToken }),
        },
      },
      options,
    ),
  );
}

function readRows(call: ArmCall, page: Page): readonly Record<string, unknown>[] {
  // "false" is normal while there is a token to go on with; truncated without one is a loss.
  if (page.resultTruncated === 'true' && !page.skipToken) throw incomplete(call, 'a cut page');
  if (!Array.isArray(page.data) || page.data.length !== page.count)
    throw incomplete(call, `a page without its ${page.count} rows`);
  return page.data;
}

function readRow(row: Record<string, unknown>): DiscoveredResource | undefined {
  const type = text(row['type']).toLowerCase();
  const kind = resourceTypes.find((known) => known.type === type)?.kind;
  const id = text(row['id']).toLowerCase();
  if (!kind || !id) return undefined;
  const zones = row['zones'];
  const zone = Array.isArray(zones) ? text(zones[0]) : '';
  const provisioningState = text(row['provisioningState']);
  const powerState = text(row['powerState']).replace(/^PowerState\//i, '');
  const managedBy = text(row['managedBy']).toLowerCase();
  const timeCreated = text(row['timeCreated']);
  return {
    id,
    name: text(row['name']),
    kind,
    location: text(row['location']),
    tags: (row['tags'] ?? {}) as Record<string, string>,
    ...(zone && { zone }),
    ...(provisioningState && { provisioningState }),
    ...(powerState && { powerState }),
    ...(managedBy && { managedBy }),
    ...(timeCreated && { timeCreated }),
  };
}

/** Every page costs one of a few queries per window: the last one is followed by a pause. */
async function waitForQuota(
  client: ArmClient,
  outcome: Outcome<Page>,
  context: CallContext,
): Promise<void> {
  const remaining = outcome.answer.header('x-ms-user-quota-remaining');
  if (remaining === undefined || Number(remaining) > 0) return;
  const [hours = 0, minutes = 0, seconds = 0] = (
    outcome.answer.header('x-ms-user-quota-resets-after') ?? '00:00:05'
  )
    .split(':')
    .map(Number);
  const milliseconds = ((hours * 60 + minutes) * 60 + seconds) * 1000;
  const wait = Math.min(milliseconds || 0, MAX_QUOTA_WAIT_MILLISECONDS);
  // When given up meanwhile, the next call says so in the port's words.
  await sleep(client.runtime.clock, wait, context.signal).catch(() => undefined);
}

function incomplete(call: ArmCall, what: string): CloudError {
  return new CloudError(`Resource Graph returned ${what}; the list can't be relied on.`, {
    class: 'Unavailable',
    azureCode: 'IncompleteResults',
    call: describe(call),
    outcome: 'refused',
    retry: 'backoff',
  });
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
