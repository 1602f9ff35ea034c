// The record of one command that ran on a node or in a machine: what, how it ended, what it said.
import * as z from 'zod';
import { integer, nonEmptyText, text, time } from './text.ts';

/** Characters kept of a command's output: its end, where errors are. */
export const outputMaximumLength = 4096;
/** Commands kept per object. */
export const commandsMaximum = 64;

export const commandRecord = z.object({
  command: nonEmptyText(4096).describe('The command line with secrets blotted out.'),
  state: z
    .enum(['Running', 'Succeeded', 'Failed', 'Unknown'])
    .describe(
      '`Unknown`: a restart came between; what the command did was then found out by looking.',
    ),
  exitCode: integer(0, 255)
    .describe(
      '0 is success; 128 and more are signals; 127 a missing program. Absent until it ends.',
    )
    .optional(),
  output: text(outputMaximumLength)
    .describe('The end of what it wrote to standard output and standard error.')
    .optional(),
  truncated: z.boolean().describe('True when output is only the end of it.').optional(),
  startedAt: time().describe('When it began.'),
  durationSeconds: z.number().min(0).describe('How long it took; absent until it ends.').optional(),
  node: text(253).describe('The node, or the machine, it ran on.').optional(),
});

export type CommandRecord = z.output<typeof commandRecord>;

export function commandRecords(description: string, maximum = commandsMaximum) {
  return z
    .array(commandRecord)
    .max(maximum)
    .describe(`${description} Oldest first; ${maximum} at most.`)
    .default([]);
}
