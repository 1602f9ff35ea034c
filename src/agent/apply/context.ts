// What carrying out a step needs, and how a target is looked at once more just before it is touched.
import { type DeviceFacts, describeDevice, isSameDevice } from '../../plan/disks.ts';
import { isSameUuid } from '../../plan/node-mount-identity.ts';
import type { Target } from '../../plan/node-mount-step.ts';
import type { Clock } from '../../runtime/clock.ts';
import { PoolkeeperError } from '../../runtime/errors.ts';
import { readArray } from '../arrays.ts';
import type { DeviceClaims } from '../claims.ts';
import type { CommandRunner } from '../command-runner.ts';
import { readContents } from '../inventory/contents.ts';
import { listDevices } from '../inventory/lsblk.ts';
import type { Journal, JournalEntry, Owner } from '../journal.ts';

export interface StepContext {
  readonly runner: CommandRunner;
  readonly journal: Journal;
  readonly claims: DeviceClaims;
  readonly owner: Owner;
  readonly clock: Clock;
  /** Shows the claims to everyone; rejects when they can't be shown. */
  readonly publishClaims: () => Promise<void>;
  /**
   * The credentials of this mount, concealed from then on in all that is recorded. Throws in words
   * when they can't be had or a key is missing.
   */
  readonly fetchCredentials: <Key extends string>(
    keys: readonly Key[],
  ) => Promise<Readonly<Record<Key, string> & Partial<Record<string, string>>>>;
  /** Throws unless the API server still has this very object in the state the plan was made for. */
  readonly confirmIntent: () => Promise<void>;
}

/** The entry as it is now; empty before anything was written down. */
export function entryOf({ journal, owner }: StepContext): Partial<JournalEntry> {
  return journal.get(owner.uid) ?? {};
}

/** Finds each target anew by its identity, and makes sure that it's at the same path still. */
export async function locate(
  { runner }: StepContext,
  targets: readonly Target[],
): Promise<DeviceFacts[]> {
  const listed = await listDevices(runner.host);
  return targets.map(({ path, identity }) => {
    const matches = listed.filter((device) => isSameDevice(device, identity));
    const device = matches[0];
    if (matches.length === 1 && device?.path === path) return device;
    const now = matches.map(describeDevice).join('; ') || 'gone';
    throw new PoolkeeperError(
      'DeviceChanged',
      `${describeDevice({ ...identity, path })} is not where it was a moment ago: ${now}.`,
    );
  });
}

/** As above, and reads each target. */
export async function reexamine(
  context: StepContext,
  targets: readonly Target[],
): Promise<DeviceFacts[]> {
  const { host } = context.runner;
  const found: DeviceFacts[] = [];
  for (const device of await locate(context, targets))
    found.push({ ...device, contents: await readContents(host, device) });
  return found;
}

/** Makes sure that the array at this path is the one that is meant. */
export async function confirmArray(
  { runner }: StepContext,
  path: string,
  arrayUuid: string,
): Promise<void> {
  const array = await readArray(runner.host, path.replace('/dev/', ''));
  if (isSameUuid(array.uuid, arrayUuid)) return;
  const message = `${path} is the array ${array.uuid || 'of nobody'}, not ${arrayUuid}.`;
  throw new PoolkeeperError('DeviceChanged', message);
}
