// Runs helm with nothing of the user's own configuration in sight, and reads what charts become.
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { repositoryRoot } from '../structure/source-tree.ts';
import { type HelmName, helmBinary } from './helm-binaries.ts';

export const chart = join(repositoryRoot, 'charts/poolkeeper');
/** The documented values files, by name; the first is none at all. */
export const valuesFiles: ReadonlyMap<string, string | undefined> = new Map([
  ['the defaults', undefined],
  ...readdirSync(join(chart, 'ci')).map((name) => [name, join(chart, 'ci', name)] as const),
]);

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const home = mkdtempSync(join(tmpdir(), 'poolkeeper-helm-'));
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;

export function helm(name: HelmName, args: readonly string[], kubeconfig = ''): Promise<Ran> {
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    KUBECONFIG: kubeconfig || join(home, 'none'),
    HELM_CACHE_HOME: join(home, 'cache'),
    HELM_CONFIG_HOME: join(home, 'config'),
    HELM_DATA_HOME: join(home, 'data'),
  };
  return new Promise((resolve) => {
    const options = { env, maxBuffer: OUTPUT_BYTES_MAX };
    execFile(helmBinary(name), args, options, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr });
    });
  });
}

export interface Rendered {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  // biome-ignore lint/suspicious/noExplicitAny: manifests are read as loosely as a person reads them.
  readonly [field: string]: any;
}

export interface RenderOptions {
  readonly helm?: HelmName;
  readonly valuesFile?: string | undefined;
  readonly set?: readonly string[];
  readonly release?: string;
  readonly namespace?: string;
}

/** The objects that an installation would make. Throws with helm's own words. */
export async function render(options: RenderOptions = {}): Promise<Rendered[]> {
  const { release = 'poolkeeper', namespace = 'poolkeeper-system', valuesFile } = options;
  const args = ['template', release, chart, '--namespace', namespace, '--kube-version', '1.36.0'];
  if (valuesFile) args.push('--values', valuesFile);
  for (const pair of options.set ?? []) args.push('--set', pair);
  const { code, stdout, stderr } = await helm(options.helm ?? 'helm 4', args);
  if (code !== 0) throw new Error(stderr);
  return parseAllDocuments(stdout)
    .map((document) => document.toJS() as Rendered | null)
    .filter((object) => object !== null);
}
