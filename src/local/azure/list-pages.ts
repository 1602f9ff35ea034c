// Listings come in pages with a link to the next; a client that ignores it sees only a part.
import type { Call, Cloud } from './calls.ts';
import type { JsonObject } from './json.ts';
import type { Reply } from './messages.ts';

const TOKEN = '$skiptoken';

export function listPage(cloud: Cloud, call: Call, items: readonly JsonObject[]): Reply {
  const rows = cloud.settings.listPageRows;
  const offset = Number(call.query.get(TOKEN) ?? 0);
  const value = items.slice(offset, offset + rows);
  if (offset + rows >= items.length) return { status: 200, body: { value } };
  const query = new URLSearchParams(call.query);
  query.set(TOKEN, String(offset + rows));
  const nextLink = `${cloud.settings.resourceManagerUrl}${call.path}?${query}`;
  return { status: 200, body: { value, nextLink } };
}
