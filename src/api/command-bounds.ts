// How much of what commands said is kept in one object: enough to see what happened, far less than an
// API server takes. What is cut is what lies longest back. (Without schemas: agents load none.)
import type { CommandRecord } from './command-record.ts';

/** Of so many bytes, the newest records are kept as they are. */
const WHOLE_BYTES = 96 * 1024;
/** Of each older one so many characters of its line, and the end of its output. */
const LINE_LENGTH = 256;
const OUTPUT_LENGTH = 256;
/** The schema's limit of a line. */
const LINE_MAX_LENGTH = 4096;

/** The newest records, oldest first, in a size that fits into a status whatever they are. */
export function boundRecords(
  records: readonly CommandRecord[],
  maximum: number,
): readonly CommandRecord[] {
  let bytes = 0;
  const newestFirst = records
    .slice(-maximum)
    .reverse()
    .map((record): CommandRecord => {
      const whole = cutLine(record, LINE_MAX_LENGTH);
      bytes += Buffer.byteLength(JSON.stringify(whole));
      return bytes <= WHOLE_BYTES ? whole : cutOutput(cutLine(whole, LINE_LENGTH));
    });
  return newestFirst.reverse();
}

function cutLine(record: CommandRecord, length: number): CommandRecord {
  if (record.command.length <= length) return record;
  return { ...record, command: `${record.command.slice(0, length - 1)}…` };
}

function cutOutput(record: CommandRecord): CommandRecord {
  if (record.output === undefined || record.output.length <= OUTPUT_LENGTH) return record;
  return { ...record, output: record.output.slice(-OUTPUT_LENGTH), truncated: true };
}
