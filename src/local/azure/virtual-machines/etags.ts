// A machine's ETag: a small number in quotes that moves at every accepted write and again when the
// write ends. What a write's answer carries is therefore stale by the time its operation is over.
import { preconditionFailed } from '../errors.ts';
import type { VirtualMachineRecord } from '../records.ts';

export function etagOf(machine: VirtualMachineRecord): string {
  return `"${machine.etag}"`;
}

/** @throws ArmError 412 when If-Match or If-None-Match doesn't hold */
export function checkPreconditions(
  headers: Readonly<Record<string, string | undefined>>,
  machine: VirtualMachineRecord | undefined,
): void {
  const wanted = headers['if-match'];
  const current = machine ? etagOf(machine) : 'null';
  if (wanted !== undefined && !(machine && matches(wanted, current)))
    throw preconditionFailed('if-match', wanted, current);
  const unwanted = headers['if-none-match'];
  if (unwanted !== undefined && machine && matches(unwanted, current))
    throw preconditionFailed('if-none-match', unwanted, current);
}

function matches(header: string, current: string): boolean {
  return header.split(',').some((tag) => {
    const trimmed = tag.trim();
    return trimmed === '*' || trimmed === current || `"${trimmed}"` === current;
  });
}
