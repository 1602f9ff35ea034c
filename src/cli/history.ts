// poolkeeper history: what happened, read back from the table that the controller writes.
import * as z from 'zod';
import { parseDuration } from '../api/duration.ts';
import { type HistoryEvent, historyEventTypes } from '../history/port.ts';
import { formatTime, systemClock } from '../runtime/clock.ts';
import { defineCommand } from './command.ts';
import {
  CONNECTION_STRING,
  credentialSetting,
  historySettings,
  installationSetting,
  openHistory,
} from './history-settings.ts';
import { SettingsError, wholeNumber } from './settings.ts';

const settings = z.object({
  installation: installationSetting.describe('Name of the installation whose history it is'),
  azureCredential: credentialSetting,
  ...historySettings,
  pool: z.string().optional().describe('Only this pool, its members and its claims'),
  namespace: z.string().optional().describe('Only this namespace; default: all'),
  since: z
    .string()
    .default('24h')
    .describe(
      'From when: a duration back from now such as 90m, or a time such as 2026-01-31T12:00Z',
    ),
  until: z.string().default('0s').describe('Up to when, likewise'),
  event: z
    .enum(historyEventTypes)
    .optional()
    .describe(`Only events of this type: ${historyEventTypes.join(', ')}`),
  limit: wholeNumber(1, 100_000).default(200).describe('The newest so many'),
  output: z.enum(['table', 'json']).default('table').describe('One line each, or JSON lines'),
});

export const command = defineCommand({
  summary:
    'Shows what happened to pools, machines, disks and claims, newest first, from the history in\nAzure Table Storage.',
  settings,
  run: async (given) => {
    const store = await openHistory(given);
    if (!store) {
      throw new SettingsError(
        `--history-table-endpoint: no history to read; set it, or ${CONNECTION_STRING}`,
      );
    }
    const now = systemClock.now();
    const events = await store.read({
      sinceMilliseconds: readTime('--since', given.since, now),
      untilMilliseconds: readTime('--until', given.until, now) + 1,
      limit: given.limit,
      ...(given.namespace !== undefined && { namespace: given.namespace }),
      ...(given.pool !== undefined && { pool: given.pool }),
      ...(given.event !== undefined && { event: given.event }),
    });
    const print = given.output === 'json' ? jsonLine : tableLine;
    for (const event of events) console.log(print(event));
    if (events.length === given.limit) {
      console.error(`the newest ${given.limit}; there may be more (--limit)`);
    }
    return 0;
  },
});

/** Milliseconds since the epoch. */
export function readTime(setting: string, text: string, now: number): number {
  if (/^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$/.test(text)) return now - parseDuration(text);
  const days = /^(\d{1,4})d$/.exec(text);
  if (days) return now - Number(days[1]) * 86_400_000;
  const time = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time)) {
    throw new SettingsError(`${setting}: ${text} is neither a duration such as 90m nor a time`);
  }
  return time;
}

function jsonLine({ time, ...event }: HistoryEvent): string {
  return JSON.stringify({ time: new Date(time).toISOString(), ...event });
}

export function tableLine(event: HistoryEvent): string {
  const { from, what, seconds } = event;
  const change = from ? `${from} → ${what}` : what;
  return [
    formatTime(event.time),
    event.event.padEnd(10),
    `${event.namespace}/${event.kind}/${event.name}`,
    seconds === undefined ? change : `${change} after ${seconds} s`,
    event.claim && event.kind !== 'InstanceClaim' ? `for ${event.claim}` : '',
    event.because,
  ]
    .filter((part) => part !== '')
    .join('  ');
}
