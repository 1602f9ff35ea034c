// The disks that a StoragePool has from a VolumePool, as its status shows them: which they are, where
// they are attached, and by which name the node knows them.
import * as z from 'zod';
import { arrayMembersMaximum } from './disk.ts';
import { lastError, operation } from './status.ts';
import { byteCount, integer, objectName, objectUid, text, time } from './text.ts';

export const leasedVolumes = z
  .array(
    z.object({
      name: objectName().describe('The PoolVolume.'),
      uid: objectUid().describe('Its uid.'),
      resourceId: text(512).describe('ARM id of the disk.').optional(),
      sizeBytes: byteCount().describe('Its size.').optional(),
      lun: integer(0, 63).describe('The logical unit it is attached at.').optional(),
      state: z
        .enum(['Claimed', 'Attaching', 'Attached', 'Leaving', 'Detaching'])
        .describe(
          '`Claimed`: belongs to this pool, not asked for yet. `Attaching`. `Attached`: the VM ' +
            'of the node has it. `Leaving`: the array is to do without it. `Detaching`.',
        ),
      serial: text(128)
        .describe('Serial number by which the node knows it, once it is a member of the array.')
        .optional(),
      wwn: text(128).describe('World wide name, likewise.').optional(),
    }),
  )
  .max(arrayMembersMaximum * 2)
  .describe('The disks that it has from a VolumePool, for source type Volumes.')
  .default([]);

export type LeasedVolume = z.output<typeof leasedVolumes>[number];

export const leaseAttachment = z
  .object({
    operation: operation
      .describe('The attach or detach under way; a restarted controller goes on with it.')
      .optional(),
    attempts: z
      .int()
      .min(0)
      .describe('Failed attempts; each makes the next wait longer.')
      .default(0),
    nextAttemptTime: time().describe('When it is tried again.').optional(),
    lastError: lastError.describe('The error of the last failed attempt.').optional(),
  })
  .describe('How attaching or detaching its disks goes; absent once all is settled.');

export type LeaseAttachment = z.output<typeof leaseAttachment>;
