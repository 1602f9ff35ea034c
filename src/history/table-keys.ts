// Where an event lies in the table: one partition per installation, day and pool, newest row first.
// One pool's day is one partition, which Azure reads in order and writes in transactions; a day of
// all pools is one range of partitions.
import type { HistoryEvent, HistoryQuery, KeptEvent } from './port.ts';

/** Larger than any time in milliseconds until the year 2286, with as many digits. */
const END_OF_TIME = 9_999_999_999_999;
const DAY_MILLISECONDS = 86_400_000;
/** Sorts after everything that names are made of. */
const AFTER_ALL = '~';

export function partitionKey(installation: string, event: HistoryEvent): string {
  return [installation, dayOf(event.time), event.namespace, event.pool].join('|');
}

/** Time backwards, so that the newest row is the first. */
export function rowKey({ event, id }: KeptEvent): string {
  return `${backwards(event.time)}-${id}`;
}

/** The days that a query spans, newest first. */
export function daysOf({ sinceMilliseconds, untilMilliseconds }: HistoryQuery): string[] {
  const days: string[] = [];
  const first = Math.floor(sinceMilliseconds / DAY_MILLISECONDS);
  for (let day = Math.floor((untilMilliseconds - 1) / DAY_MILLISECONDS); day >= first; day--) {
    days.push(dayOf(day * DAY_MILLISECONDS));
  }
  return days;
}

/** The query for one day, in the table service's filter language. */
export function filterFor(installation: string, query: HistoryQuery, day: string): string {
  const { namespace, pool, event, sinceMilliseconds, untilMilliseconds } = query;
  const clauses: string[] = [];
  const known = [installation, day, ...(namespace === undefined ? [] : [namespace])];
  if (namespace !== undefined && pool !== undefined) {
    clauses.push(`PartitionKey eq ${quote([...known, pool].join('|'))}`);
  } else {
    const prefix = `${known.join('|')}|`;
    clauses.push(`PartitionKey ge ${quote(prefix)}`);
    clauses.push(`PartitionKey lt ${quote(prefix + AFTER_ALL)}`);
    if (pool !== undefined) clauses.push(`Pool eq ${quote(pool)}`);
  }
  clauses.push(`RowKey ge ${quote(backwards(untilMilliseconds - 1))}`);
  clauses.push(`RowKey lt ${quote(backwards(sinceMilliseconds - 1))}`);
  if (event !== undefined) clauses.push(`Event eq ${quote(event)}`);
  return clauses.join(' and ');
}

function dayOf(milliseconds: number): string {
  return new Date(milliseconds).toISOString().slice(0, 10);
}

function backwards(milliseconds: number): string {
  return String(END_OF_TIME - milliseconds).padStart(String(END_OF_TIME).length, '0');
}

function quote(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}
