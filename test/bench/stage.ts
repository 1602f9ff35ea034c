// What benches measure on: an API server and a cloud in one process, the operator in another, the load
// in a third. With KUBECONFIG set, the API server is the one it names.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { namespaces } from '../../src/api/built-in.ts';
import { customResourceDefinitions } from '../../src/api/crd/index.ts';
import type { AnyObject, Resource } from '../../src/api/object.ts';
import { createIfAbsent } from '../../src/cli/examples.ts';
import {
  type ClusterAccess,
  connectKubernetes,
  fromKubeconfig,
  type Kubernetes,
} from '../../src/kube/index.ts';
import { createRuntime, type Runtime } from '../../src/runtime/index.ts';
import { location, resourceGroup, subscriptionId } from '../builders/pools.ts';

export interface ServerOptions {
  /** How many times faster than real ones the cloud's operations are. */
  readonly speed: number;
  /** How many times Azure's real budgets; as many as the speed when absent. */
  readonly budgets?: number;
}

export interface Stage {
  readonly runtime: Runtime;
  readonly access: ClusterAccess;
  readonly azureUrl: string;
  readonly kubernetes: Kubernetes;
  /** Whether KUBECONFIG named the API server. */
  readonly isReal: boolean;
  readonly server: Process;
  /** Another operator process beside the first. */
  startOperator(...settings: string[]): Promise<OperatorProcess>;
  close(): Promise<void>;
}

export interface OperatorProcess extends Process {
  metrics(): Promise<ReadonlyMap<string, number>>;
}

const root = fileURLToPath(new URL('../../', import.meta.url));
const NAMESPACES = ['poolkeeper-system', 'bench'];

// A bench that is interrupted takes its processes with it.
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => process.exit(130));

export async function startStage(options: ServerOptions): Promise<Stage> {
  const runtime = createRuntime();
  const directory = mkdtempSync(join(tmpdir(), 'poolkeeper-bench-'));
  const server = new Process('server', ['test/bench/server.ts', JSON.stringify(options)]);
  const { kubeconfig, azureUrl } = JSON.parse(await server.line(/^\{/)) as Record<string, string>;
  const given = process.env['KUBECONFIG'];
  const path = given || join(directory, 'kubeconfig');
  if (!given) writeFileSync(path, kubeconfig!);
  const access = fromKubeconfig({ runtime, path });
  const kubernetes = connectKubernetes({ runtime, to: access, component: 'bench' });
  const processes: Process[] = [server];
  await prepare(kubernetes);
  return {
    runtime,
    access,
    azureUrl: azureUrl!,
    kubernetes,
    isReal: Boolean(given),
    server,
    startOperator: async (...settings) => {
      const operator = await startOperator(path, azureUrl!, options.speed, settings);
      processes.push(operator);
      return operator;
    },
    close: async () => {
      await kubernetes.close();
      for (const one of processes.reverse()) await one.end();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

const definitions: Resource<AnyObject> = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  plural: 'customresourcedefinitions',
  kind: 'CustomResourceDefinition',
  namespaced: false,
} as unknown as Resource<AnyObject>;

async function prepare({ client }: Kubernetes): Promise<void> {
  for (const definition of customResourceDefinitions())
    await createIfAbsent(client, definitions, definition as unknown as AnyObject);
  for (const name of NAMESPACES)
    await createIfAbsent(client, namespaces, {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name },
    });
}

/** OPERATOR=dist/main.js measures a bundle instead of the sources. */
async function startOperator(
  kubeconfig: string,
  azureUrl: string,
  speed: number,
  settings: readonly string[],
): Promise<OperatorProcess> {
  const operator = new Process('operator', [
    process.env['OPERATOR'] ?? 'src/main.ts',
    'controller',
    ...['--kubeconfig', kubeconfig, '--azure-endpoint', azureUrl, '--azure-speed', String(speed)],
    ...['--azure-subscription-id', subscriptionId, '--azure-resource-group', resourceGroup],
    ...['--azure-location', location, '--installation', 'bench'],
    ...['--http-address', '127.0.0.1:0', '--debug-address', '', ...settings],
  ]);
  const { http } = JSON.parse(await operator.line(/"started"/)) as { http: string };
  const metrics = async (): Promise<ReadonlyMap<string, number>> => {
    // A connection that was kept may be closed by the other side in the very moment of asking.
    const ask = (): Promise<Response> => fetch(`${http}/metrics`);
    const text = await (await ask().catch(ask)).text();
    return new Map(
      text
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('#'))
        .map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]),
    );
  };
  return Object.assign(operator, { metrics });
}

/** A node process of ours; PROFILE=<directory> writes processor profiles of all of them there. */
export class Process {
  readonly #name: string;
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  readonly #listeners = new Set<(line: string) => void>();

  constructor(name: string, args: readonly string[]) {
    this.#name = name;
    const profile = process.env['PROFILE'];
    const profiling = profile ? ['--cpu-prof', `--cpu-prof-dir=${profile}/${name}`] : [];
    this.#child = spawn(process.execPath, [...profiling, ...args], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, KUBECONFIG: '' },
    });
    // Whatever becomes of the bench, nothing of it stays behind.
    process.once('exit', () => this.#child.kill('SIGKILL'));
    createInterface({ input: this.#child.stdout! }).on('line', (line) => {
      // Only the first lines are ever asked for.
      if (this.#lines.length < 100) this.#lines.push(line);
      for (const listener of this.#listeners) listener(line);
    });
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** The first line that matches, also among those that were printed already. */
  line(pattern: RegExp): Promise<string> {
    const known = this.#lines.find((line) => pattern.test(line));
    if (known) return Promise.resolve(known);
    return new Promise((resolve, reject) => {
      const listener = (line: string): void => {
        if (!pattern.test(line)) return;
        this.#listeners.delete(listener);
        resolve(line);
      };
      this.#listeners.add(listener);
      this.#child.once('exit', (code) => reject(new Error(`${this.#name} ended with ${code}`)));
    });
  }

  /** Processor time spent so far, in milliseconds; Linux counts in steps of ten. */
  processorMilliseconds(): number {
    const fields = readFileSync(`/proc/${this.pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10;
  }

  residentMegabytes(): number {
    const [, pages = '0'] = readFileSync(`/proc/${this.pid}/statm`, 'utf8').split(' ');
    return (Number(pages) * 4096) / 2 ** 20;
  }

  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill(signal);
    await once(this.#child, 'exit');
  }
}

/** The difference between two readings of counters whose name starts like this, by their labels. */
export function sumOf(metrics: ReadonlyMap<string, number>, name: string, label = ''): number {
  let sum = 0;
  for (const [series, value] of metrics)
    if ((series === name || series.startsWith(`${name}{`)) && series.includes(label)) sum += value;
  return sum;
}
