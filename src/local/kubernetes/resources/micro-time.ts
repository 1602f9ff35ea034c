// metav1.MicroTime must have six digits of a second; others are refused when decoding.
import { badRequest, type StatusCause } from '../objects/status-error.ts';

const MICRO_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}(Z|[+-]\d{2}:\d{2})$/;

/** Throws, as the real server can't even decode such a body. Absent values are fine. */
export function microTimeCause(_field: string, value: unknown): StatusCause[] {
  if (value === undefined || value === null) return [];
  if (typeof value === 'string' && MICRO_TIME.test(value)) return [];
  throw badRequest(
    `the object provided is unrecognized: parsing time ${JSON.stringify(value)} as ` +
      '"2006-01-02T15:04:05.000000Z07:00": cannot parse',
  );
}
