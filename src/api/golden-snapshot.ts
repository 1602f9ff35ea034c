// What a VolumePool's status remembers of the golden snapshots it builds: the build under way, step by
// step, so that a restarted controller goes on with it, and the built snapshots that are kept.
import * as z from 'zod';
import { lastError, operation } from './status.ts';
import { integer, nonEmptyText, text, time } from './text.ts';

export const snapshotBuildStep = z.enum([
  'Checking',
  'CreatingDisk',
  'CreatingMachine',
  'AttachingDisk',
  'Preparing',
  'RunningScript',
  'WaitingUntilReady',
  'Finishing',
  'Deallocating',
  'Snapshotting',
  'Validating',
  'CleaningUp',
  'Waiting',
]);

export type SnapshotBuildStep = z.output<typeof snapshotBuildStep>;

export const snapshotBuild = z.object({
  version: nonEmptyText(64).describe('The version that is built: a hash of the recipe.'),
  attempt: integer(1, 1_000_000).describe('Which attempt at this version it is.'),
  cause: z
    .enum(['Missing', 'RecipeChanged', 'SnapshotNotFound', 'SnapshotInvalid'])
    .describe(
      'Why it is built. `Missing`: there was none yet. `RecipeChanged`. `SnapshotNotFound`, ' +
        '`SnapshotInvalid`: the one in use vanished or went bad.',
    ),
  step: snapshotBuildStep.describe(
    'The step under way. `CleaningUp`: the machine and its disks are being deleted. ' +
      '`Waiting`: a failed attempt is cleaned up, the next begins at nextAttemptTime.',
  ),
  outcome: z
    .enum(['Succeeded', 'Failed', 'Superseded'])
    .describe('How it ended; absent while it goes on. `Superseded`: nobody wants it any more.')
    .optional(),
  machine: nonEmptyText(80).describe(
    'The name of the builder machine in Azure; its disks and NIC begin with the same name.',
  ),
  networkInterfaceIds: z
    .array(text(512))
    .max(4)
    .describe('ARM ids of its NICs, which Azure names.')
    .optional(),
  startedAt: time().describe('When this attempt began.'),
  stepStartedAt: time().describe('When the present step began.'),
  deadline: time().describe('The attempt has failed if the step is not done by then.').optional(),
  operation: operation
    .describe('The operation under way in Azure; a restarted controller goes on with it.')
    .optional(),
  attempts: z
    .int()
    .min(0)
    .describe('Failed requests of the present step; each makes the next wait longer.')
    .default(0),
  nextAttemptTime: time().describe('When the step, or the whole build, is tried again.').optional(),
  lastError: lastError.describe('What went wrong last.').optional(),
});

export type SnapshotBuild = z.output<typeof snapshotBuild>;

/** With this many kept, and all still in the way of their deletion, nothing new is built. */
export const builtSnapshotsMaximum = 16;

export const builtSnapshots = z
  .array(
    z.object({
      version: nonEmptyText(64).describe('The version it was built as.'),
      id: text(512).describe('Its ARM id.'),
      createdAt: time().describe('When Azure made it.'),
    }),
  )
  .max(builtSnapshotsMaximum)
  .describe('The snapshots that were built and not deleted yet, newest first.')
  .default([]);

export type BuiltSnapshot = z.output<typeof builtSnapshots>[number];
