// Conflicts of server-side apply: fields that another writer owns and that would change.
import { type StatusCause, StatusError } from '../objects/status-error.ts';
import { type FieldSet, intersection, memberPaths } from './field-set.ts';
import { type Identity, isSameManager, type Manager } from './managers.ts';

export interface Conflict {
  readonly manager: Manager;
  readonly fields: FieldSet;
}

export function findConflicts(
  managers: readonly Manager[],
  applier: Identity,
  changed: FieldSet | undefined,
): Conflict[] {
  return managers.flatMap((manager) => {
    if (isSameManager(manager, applier)) return [];
    const fields = intersection(manager.fields, changed);
    return fields && memberPaths(fields).length > 0 ? [{ manager, fields }] : [];
  });
}

export function conflictError(conflicts: readonly Conflict[]): StatusError {
  const causes: StatusCause[] = conflicts.flatMap(({ manager, fields }) =>
    memberPaths(fields).map((field) => ({
      reason: 'FieldManagerConflict',
      message: `conflict with ${shown(manager)}`,
      field,
    })),
  );
  return new StatusError(409, 'Conflict', message(conflicts, causes.length), { causes });
}

function message(conflicts: readonly Conflict[], count: number): string {
  const lines = conflicts.map(({ manager, fields }) => {
    const paths = memberPaths(fields);
    return count === 1
      ? `conflict with ${shown(manager)}: ${paths[0]}`
      : `conflicts with ${shown(manager)}:\n${paths.map((path) => `- ${path}`).join('\n')}`;
  });
  return `Apply failed with ${count} conflict${count === 1 ? '' : 's'}: ${lines.join('\n')}`;
}

function shown(manager: Manager): string {
  const through = manager.subresource ? ` with subresource "${manager.subresource}"` : '';
  const name = `"${manager.name}"${through}`;
  if (manager.operation === 'Apply') return name;
  return `${name} using ${manager.apiVersion}`;
}
