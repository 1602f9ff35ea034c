// What every `kubectl poolkeeper <command>` gets and offers.
import type { ParseArgsOptionsConfig } from 'node:util';
import type { Connection, KubeClient } from '../kube/index.ts';
import type { Runtime } from '../runtime/index.ts';

export interface Session {
  readonly runtime: Runtime;
  readonly connection: Connection;
  readonly client: KubeClient;
  /** `--namespace`, else that of the context. */
  readonly namespace: string;
  /** `--all-namespaces`. */
  readonly allNamespaces: boolean;
  /** Width of the terminal. */
  readonly columns: number;
  /** Aborted by Ctrl-C and when `--timeout` is over. */
  readonly signal: AbortSignal;
  print(text: string): void;
}

export type Options = Readonly<Record<string, string | boolean | undefined>>;

export interface Command {
  /** Such as `output <storagepool>`. */
  readonly usage: string;
  readonly summary: string;
  /** Further options, beside those that every command has. */
  readonly options?: ParseArgsOptionsConfig;
  /** What each further option does, for the help. */
  readonly optionHelp?: Readonly<Record<string, string>>;
  /** How long it waits unless `--timeout` says otherwise; left out: for ever. */
  readonly timeout?: string;
  /** Resolves with the exit code. Throws UsageError when the words make no sense. */
  run(session: Session, words: readonly string[], options: Options): Promise<number>;
}

export function textOption(options: Options, name: string): string | undefined {
  const value = options[name];
  return typeof value === 'string' ? value : undefined;
}
