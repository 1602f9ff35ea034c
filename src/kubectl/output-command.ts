// kubectl poolkeeper output <storagepool>: the commands that ran on the nodes and what they printed.
import type { CommandRecord } from '../api/command-record.ts';
import type { DeepReadonly } from '../api/object.ts';
import { instanceClaims, storagePools } from '../api/resources.ts';
import type { StoragePool } from '../api/storage-pool.ts';
import type { Command, Session } from './command.ts';
import { UsageError } from './usage-error.ts';
import { watchUntil } from './watching.ts';

export const command: Command = {
  usage: 'output <storagepool>',
  summary: 'The commands that ran for a storage pool (or iclaim/<name>) and their output',
  options: { follow: { type: 'boolean', short: 'f' } },
  optionHelp: { follow: 'Go on (-f) until the pool is Active, has failed or is gone' },
  async run(session, [word, ...more], options) {
    if (!word || more.length > 0) throw new UsageError('output needs one storage pool');
    const { isClaim, name } = parseWord(word);
    const printer = new CommandPrinter(session);
    if (options['follow'] && !isClaim) return follow(session, name, printer);
    const reference = { namespace: session.namespace, name };
    const object = isClaim
      ? await session.client.get(instanceClaims, reference)
      : await session.client.get(storagePools, reference);
    if (!object) return notFound(session, name);
    const commands = object.status?.commands ?? [];
    printer.show(commands);
    if (commands.length === 0) session.print('No command has run yet.');
    return 0;
  },
};

function parseWord(word: string): { readonly isClaim: boolean; readonly name: string } {
  const [kind, name] = word.includes('/') ? word.split('/') : ['spool', word];
  if (!name) throw new UsageError('output needs one storage pool');
  if (kind === 'iclaim' || kind === 'instanceclaim') return { isClaim: true, name };
  if (kind === 'spool' || kind === 'storagepool') return { isClaim: false, name };
  throw new UsageError(`output is for storage pools and claims, not for ${kind}`);
}

function notFound(session: Session, name: string): number {
  session.print(`There is no ${name} in the namespace ${session.namespace}.`);
  return 1;
}

async function follow(session: Session, name: string, printer: CommandPrinter): Promise<number> {
  const reference = { namespace: session.namespace, name };
  let seen = false;
  let said = '';
  const exitCode = await watchUntil(session, { resource: storagePools, reference }, (pool) => {
    if (!pool) {
      session.print(seen ? `${name} is gone.` : `There is no ${name}.`);
      return seen ? 0 : 1;
    }
    seen = true;
    printer.show(pool.status?.commands ?? []);
    const line = progressLine(pool);
    if (line !== said && line !== '') session.print(line);
    said = line;
    return settled(pool);
  });
  return exitCode ?? 1;
}

function progressLine(pool: DeepReadonly<StoragePool>): string {
  const { phase, progress } = pool.status ?? {};
  if (phase === 'Active') return `${pool.metadata.name} is Active.`;
  const message = progress?.message ?? readyMessage(pool);
  return message ? `${phase ?? 'Pending'}: ${message}` : '';
}

function readyMessage(pool: DeepReadonly<StoragePool>): string | undefined {
  return pool.status?.conditions.find(({ type }) => type === 'Ready')?.message;
}

/** The exit code once there is nothing more to wait for. */
function settled(pool: DeepReadonly<StoragePool>): number | undefined {
  if (pool.metadata.deletionTimestamp || !pool.status) return undefined;
  if (pool.status.observedGeneration !== pool.metadata.generation) return undefined;
  const isStalled = pool.status.conditions.some(
    ({ type, status }) => type === 'Stalled' && status === 'True',
  );
  if (isStalled || pool.status.phase === 'Failed') return 1;
  return pool.status.phase === 'Active' ? 0 : undefined;
}

/** Prints each command once it has ended, and once that it has begun. */
export class CommandPrinter {
  readonly #shown = new Map<string, string>();
  readonly #print: (text: string) => void;

  constructor(target: { print(text: string): void }) {
    this.#print = (text) => target.print(text);
  }

  show(commands: readonly DeepReadonly<CommandRecord>[]): void {
    for (const record of commands) {
      const key = `${record.node} ${record.startedAt} ${record.command}`;
      if (this.#shown.get(key) === record.state) continue;
      const isNew = !this.#shown.has(key);
      this.#shown.set(key, record.state);
      if (isNew) this.#print(`[${record.node ?? '-'}] ${record.startedAt}  $ ${record.command}`);
      if (record.state !== 'Running') this.#print(indent(ending(record)));
    }
  }
}

function ending(record: DeepReadonly<CommandRecord>): string {
  const { exitCode, durationSeconds, output, truncated, state } = record;
  const took = durationSeconds === undefined ? '' : ` after ${durationSeconds} s`;
  const end =
    state === 'Unknown' ? 'interrupted; its effect was found by looking' : `exit ${exitCode}`;
  const lines = (output ?? '').trimEnd();
  return [...(truncated ? ['…'] : []), ...(lines === '' ? [] : [lines]), `→ ${end}${took}`].join(
    '\n',
  );
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, '    ');
}
