// What a probe of a storage endpoint found: the same words in the StorageBackend and in the record
// through which a node's agent reports to the controller.
import * as z from 'zod';
import { keyedList } from './rules.ts';
import { byteCount, text, time } from './text.ts';

export const storageBackendPhase = z.enum(['Online', 'Offline', 'Error', 'Unknown']);

/** In the order in which a probe comes to them. */
export const checkNames = [
  'DNS',
  'TCP',
  'TLS',
  'Protocol',
  'Authorization',
  'Mount',
  'Capacity',
  'CDN',
] as const;

export const probeChecks = keyedList(
  z
    .array(
      z.object({
        name: z.enum(checkNames).describe('What was checked.'),
        result: z
          .enum(['Passed', 'Failed', 'Unknown'])
          .describe('`Unknown`: the probe did not find out, because an earlier check failed.'),
        latencyMilliseconds: z.number().min(0).describe('How long it took.').optional(),
        message: text(1024).describe('What was found.').default(''),
      }),
    )
    .max(checkNames.length),
  'name',
)
  .describe(
    'Each step of the last published probe on its own: name, connection, TLS, protocol, ' +
      'authorisation, mount, capacity.',
  )
  .default([]);

export const probeMeasurements = {
  usedBytes: byteCount().describe('Bytes in use, where the storage tells.').optional(),
  totalBytes: byteCount().describe('Capacity, where the storage tells.').optional(),
  availableBytes: byteCount().describe('Bytes that can still be written.').optional(),
  fileCount: z.int().min(0).describe('Files or objects, where the storage tells.').optional(),
  fileCountTruncated: z
    .boolean()
    .describe('True when counting was stopped before the end: there are at least so many.')
    .optional(),
  certificateExpiresAt: time()
    .describe("When the server's certificate ends, where there is one.")
    .optional(),
  latencyMilliseconds: z
    .number()
    .min(0)
    .describe('How long the probe took to be answered.')
    .optional(),
  lastProbeTime: time()
    .describe('A recent probe. Results are published when they change and every 10 minutes.')
    .optional(),
  lastProbeRequest: text(256)
    .describe('The value of the probe-requested-at annotation that was last answered.')
    .optional(),
  checks: probeChecks,
};

export type CheckName = (typeof checkNames)[number];
export type ProbeCheck = z.output<typeof probeChecks>[number];
export type StorageBackendPhase = z.output<typeof storageBackendPhase>;
