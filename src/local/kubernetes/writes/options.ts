// Options of a write: dry run, who writes, and how strictly unknown fields are taken.
import type { Call } from '../backend.ts';
import { badRequest, cause, invalidOption } from '../objects/status-error.ts';

export interface WriteOptions {
  readonly dryRun: boolean;
  readonly fieldManager: string;
  readonly fieldValidation: 'Strict' | 'Warn' | 'Ignore';
  readonly force: boolean;
}

export function writeOptions(call: Call): WriteOptions {
  const { query, verb } = call.target;
  const kind =
    verb === 'create' ? 'CreateOptions' : verb === 'update' ? 'UpdateOptions' : 'PatchOptions';
  const dryRun = query.getAll('dryRun').filter((value) => value !== '');
  if (dryRun.some((value) => value !== 'All')) {
    throw invalidOption(kind, cause.notSupported('dryRun', dryRun, ['All']));
  }
  const fieldValidation = query.get('fieldValidation') || 'Warn';
  if (!['Strict', 'Warn', 'Ignore'].includes(fieldValidation)) {
    const words = cause.notSupported('fieldValidation', fieldValidation, [
      'Ignore',
      'Strict',
      'Warn',
    ]);
    throw invalidOption(kind, words);
  }
  const fieldManager = query.get('fieldManager') ?? '';
  if (fieldManager.length > 128) throw badRequest('fieldManager may not be longer than 128 bytes');
  return {
    dryRun: dryRun.length > 0,
    fieldManager: fieldManager || managerOf(call.headers['user-agent']),
    fieldValidation: fieldValidation as WriteOptions['fieldValidation'],
    force: query.get('force') === 'true',
  };
}

/** Writers that don't name themselves are known by the first word of their user agent. */
function managerOf(userAgent: string | undefined): string {
  const prefix = (userAgent ?? '').split('/')[0]!;
  return (prefix || 'unknown').slice(0, 128);
}
