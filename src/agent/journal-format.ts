// What is in a journal's file, and reading it back: what this version wrote, what a newer one did, or
// neither. Whatever is taken for an entry has every field of the kind that the agent counts on.
import type { CommandRecord } from '../api/command-record.ts';
import type { NodeMount } from '../api/node-mount.ts';
import type { DeepReadonly } from '../api/object.ts';
import type { DeviceIdentity } from '../plan/disks.ts';
import type { JournalFacts } from '../plan/node-mount-facts.ts';

export const FORMAT_VERSION = 1;

export interface WipeRecord {
  readonly time: string;
  readonly device: string;
  readonly found: string;
}

/** What the planner is told, and what only the agent needs to know. */
export interface JournalEntry extends Omit<JournalFacts, 'exists'> {
  readonly version: number;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly poolUid: string;
  readonly poolName?: string;
  readonly wipes: readonly WipeRecord[];
  readonly iscsiTarget?: string;
  /** What was asked for last: by it the storage can be undone when nobody asks any more. */
  readonly spec?: DeepReadonly<NodeMount>['spec'];
  /** Set once everything was undone; the entry goes when the object has gone. */
  readonly cleanedUp?: { readonly kept?: string };
  readonly records: readonly CommandRecord[];
}

/** Of an object of which nothing was written down yet. */
export const blank = {
  claims: [],
  array: 'none',
  filesystem: 'none',
  active: false,
  mountPoint: 'none',
  mountPointProtected: false,
  erasing: [],
  wiped: [],
  wiping: [],
  wipes: [],
  records: [],
} as const;

export type Parsed =
  | { readonly type: 'entry'; readonly entry: JournalEntry }
  /** `rest` is as much as tells whose the disks are. */
  | { readonly type: 'newer'; readonly version: number; readonly rest: JournalEntry }
  | { readonly type: 'damaged' };

type Fields = Readonly<Record<string, unknown>>;

/** `uid` is what the file is named after. */
export function parseEntry(text: string, uid: string): Parsed {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { type: 'damaged' };
  }
  if (!isFields(value) || value['uid'] !== uid || !names.every((name) => isText(value[name])))
    return { type: 'damaged' };
  const version = value['version'];
  if (typeof version !== 'number' || version < 1) return { type: 'damaged' };
  const { claims = [] } = value;
  if (!Array.isArray(claims) || !claims.every(isIdentity)) return { type: 'damaged' };
  const [namespace, name, , poolUid] = names.map((one) => value[one] as string);
  if (version > FORMAT_VERSION) {
    const rest = { version, namespace, name, uid, poolUid, ...blank, claims };
    return { type: 'newer', version, rest: rest as unknown as JournalEntry };
  }
  const entry = { ...blank, ...value };
  return hasFittingFields(entry)
    ? { type: 'entry', entry: entry as unknown as JournalEntry }
    : damaged;
}

const damaged = { type: 'damaged' } as const;
const names = ['namespace', 'name', 'uid', 'poolUid'] as const;
const lists = ['erasing', 'wiped', 'wiping', 'outdated', 'failed', 'replacing'] as const;

function hasFittingFields(entry: Fields): boolean {
  const { records, wipes, spec } = entry;
  return (
    (spec === undefined || (isFields(spec) && isText(spec['type']))) &&
    lists.every((name) => entry[name] === undefined || isListOf(entry[name], isText)) &&
    isListOf(records, (one) => isFields(one) && isText(one['command']) && isText(one['state'])) &&
    isListOf(wipes, (one) => isFields(one) && isText(one['device'])) &&
    [entry['array'], entry['filesystem'], entry['mountPoint']].every(isDone) &&
    typeof entry['active'] === 'boolean'
  );
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isListOf(value: unknown, isOne: (one: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(isOne);
}

function isDone(value: unknown): boolean {
  return value === 'none' || value === 'unknown' || value === 'made';
}

function isIdentity(value: unknown): value is DeviceIdentity {
  return isFields(value) && typeof value['sizeBytes'] === 'number';
}
