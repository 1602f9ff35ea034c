// The kubeconfig format: several files seen as one, entries by name, keys inline or in files.
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { messageOf, PoolkeeperError } from '../runtime/errors.ts';
import type { ExecSettings } from './credentials.ts';

export interface ClusterEntry {
  server?: string;
  'certificate-authority'?: string;
  'certificate-authority-data'?: string;
  'insecure-skip-tls-verify'?: boolean;
  'tls-server-name'?: string;
  'proxy-url'?: string;
}
export interface UserEntry {
  'client-certificate'?: string;
  'client-certificate-data'?: string;
  'client-key'?: string;
  'client-key-data'?: string;
  token?: string;
  tokenFile?: string;
  username?: string;
  password?: string;
  exec?: ExecSettings;
  'auth-provider'?: object;
}
export interface ContextEntry {
  cluster?: string;
  user?: string;
  namespace?: string;
}
interface KubeconfigFile {
  'current-context'?: string;
  clusters?: { name: string; cluster: ClusterEntry }[];
  users?: { name: string; user: UserEntry }[];
  contexts?: { name: string; context: ContextEntry }[];
}

/** An entry and the directory its relative paths start from. */
export interface Named<V> {
  readonly name: string;
  readonly value: V;
  readonly directory: string;
}

export interface MergedConfig {
  readonly currentContext: string | undefined;
  readonly clusters: readonly Named<ClusterEntry>[];
  readonly users: readonly Named<UserEntry>[];
  readonly contexts: readonly Named<ContextEntry>[];
}

/** As kubectl: the first file to name something wins; files that are missing are skipped. */
export function mergeFiles(paths: readonly string[]): MergedConfig {
  const files = paths.flatMap((path) => {
    const text = readIfThere(path);
    if (text === undefined) return [];
    return [{ directory: dirname(resolve(path)), file: parseFile(path, text) }];
  });
  if (files.length === 0) throw configError(`no kubeconfig at ${paths.join(' or ')}`);
  const all = <V>(pick: (file: KubeconfigFile) => (readonly [string, V])[]): Named<V>[] =>
    files.flatMap(({ directory, file }) =>
      pick(file).map(([name, value]) => ({ name, value: value ?? ({} as V), directory })),
    );
  return {
    currentContext: files.map(({ file }) => file['current-context']).find(Boolean),
    clusters: all((file) => (file.clusters ?? []).map((entry) => [entry.name, entry.cluster])),
    users: all((file) => (file.users ?? []).map((entry) => [entry.name, entry.user])),
    contexts: all((file) => (file.contexts ?? []).map((entry) => [entry.name, entry.context])),
  };
}

function parseFile(path: string, text: string): KubeconfigFile {
  try {
    return (parse(text) ?? {}) as KubeconfigFile;
  } catch {
    // The parser quotes what it stumbles over, and that may be a key.
    throw configError(`${path} is not valid YAML`);
  }
}

export function findEntry<V>(entries: readonly Named<V>[], name: string, what: string): Named<V> {
  const found = entries.find((entry) => entry.name === name);
  if (found) return found;
  const known = entries.map((entry) => entry.name).join(', ') || 'none';
  throw configError(`the kubeconfig has no ${what} named "${name}" (it has: ${known})`);
}

/** `<field>-data` holds base64, `<field>` a path relative to the kubeconfig. */
export function pem(
  entry: { readonly value: object; readonly directory: string },
  field: string,
): string | undefined {
  const fields = entry.value as Readonly<Record<string, string | undefined>>;
  const data = fields[`${field}-data`];
  if (data) return Buffer.from(data, 'base64').toString('utf8');
  const path = fields[field];
  return path ? readText(resolve(entry.directory, path)) : undefined;
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw configError(`can't read ${path}: ${messageOf(error)}`);
  }
}

export function readText(path: string): string {
  const text = readIfThere(path);
  if (text === undefined) throw configError(`${path} is missing`);
  return text;
}

export function configError(message: string): PoolkeeperError {
  return new PoolkeeperError('KubeconfigInvalid', message, { retry: 'never' });
}
