// What people want to hear of a pool's disks besides its phase: drives that fail or come back, and
// what a scrub found. From two statuses, so that nothing is told twice.
import { findCondition } from '../api/conditions.ts';
import type { Drive } from '../api/disk.ts';
import type { StoragePoolStatus } from '../api/storage-pool.ts';

export interface PoolEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

export function storagePoolEvents(
  before: StoragePoolStatus | undefined,
  after: StoragePoolStatus,
): PoolEvent[] {
  // The first status tells how things are; nothing has changed yet.
  if (!before) return [];
  return [...driveEvents(before.drives, after.drives), ...scrubEvents(before, after)];
}

function driveEvents(before: readonly Drive[], after: readonly Drive[]): PoolEvent[] {
  const earlier = new Map(before.map((drive) => [nameOf(drive), drive.state]));
  return after.flatMap((drive): PoolEvent[] => {
    const from = earlier.get(nameOf(drive));
    const { state } = drive;
    if (from === undefined || from === state) return [];
    const what = `drive ${describe(drive)}`;
    if (state === 'Faulty') return [warning('DriveFailed', `${what} failed or dropped out`)];
    if (state === 'Missing')
      return [warning('DriveMissing', `${what} is not on the node any more`)];
    if (state === 'Rebuilding') return [normal('DriveRebuilding', `${what} is being filled`)];
    if (state === 'Active' && from !== 'Pending')
      return [normal('DriveActive', `${what} has all of its share`)];
    return [];
  });
}

function scrubEvents(before: StoragePoolStatus, after: StoragePoolStatus): PoolEvent[] {
  const was = findCondition(before.conditions, 'ArrayConsistent');
  const is = findCondition(after.conditions, 'ArrayConsistent');
  const isNew = is !== undefined && (was?.reason !== is.reason || was.message !== is.message);
  if (!isNew) return [];
  if (is.reason === 'MismatchesFound') return [warning('MismatchesFound', is.message)];
  if (is.reason === 'ScrubClean') return [normal('ScrubCompleted', is.message)];
  return is.reason === 'ScrubRunning' ? [normal('ScrubStarted', is.message)] : [];
}

function nameOf({ wwn, serial }: Drive): string {
  return wwn ?? serial ?? '';
}

function describe({ label, serial, wwn, path }: Drive): string {
  const name = serial ?? wwn ?? path ?? 'without a name';
  return label === undefined ? name : `${name} (${label})`;
}

function warning(reason: string, message: string): PoolEvent {
  return { type: 'Warning', reason, message };
}

function normal(reason: string, message: string): PoolEvent {
  return { type: 'Normal', reason, message };
}
