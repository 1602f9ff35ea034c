// A thousand HTTPS backends on one operator: are their probes spread evenly, does the event loop stay
// free, does memory stay bounded.
//
//   node test/bench/backends.ts [backends=1000] [minutes=3]
//
// The API server is a process of its own (`poolkeeper local` without controller and agents), and so is
// the web server, which counts the probes that arrive in each second. Each backend is probed once a
// minute over TLS that an authority of its own signed; one in twenty never answers, one in twenty refuses
// the connection. Prints the spread, the operator's event loop delay and its memory.
//
// Measured on two cores that others were using: see docs/storage-backends.md.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import 'reflect-metadata';
import { configMaps, namespaces } from '../../src/api/built-in.ts';
import { storageBackends } from '../../src/api/resources.ts';
import { createAzureCloud, createCredential } from '../../src/azure/index.ts';
import { startOperator } from '../../src/cli/operator.ts';
import { connectKubernetes } from '../../src/kube/index.ts';
import { findCluster } from '../../src/kube/kubeconfig.ts';
import { sleep } from '../../src/runtime/clock.ts';
import { createRuntime } from '../../src/runtime/index.ts';
import { certificateOf } from '../builders/certificates.ts';

const count = Number(process.argv[2] ?? 1000);
const minutes = Number(process.argv[3] ?? 3);
const runtime = createRuntime();
const { clock } = runtime;
const folder = mkdtempSync(join(tmpdir(), 'poolkeeper-bench-'));
const children: ChildProcess[] = [];
const HOSTS = { good: 'good.example', silent: 'silent.example', refused: 'refused.example' };

try {
  await run();
} finally {
  for (const child of children) child.kill();
}
process.exit();

async function run(): Promise<void> {
  const { authority, key, chain } = await certificateOf(Object.values(HOSTS));
  const web = await startWebServer({ key, cert: chain });
  const to = await startApiServer();
  const user = connectKubernetes({ runtime, to, component: 'bench' });
  const { client } = user;
  await client.create(namespaces, { metadata: { name: 'bench' } });
  const ca = { namespace: 'bench', name: 'authority' };
  await client.create(configMaps, { metadata: ca, data: { 'ca.crt': authority } });
  const operator = startOperator({
    runtime,
    access: to,
    cloud: createAzureCloud({
      runtime,
      credential: await createCredential({ kind: 'Simulated' }),
      endpoint: 'http://127.0.0.1:1',
      userAgent: 'bench',
    }),
    namespace: 'poolkeeper-system',
    installation: 'bench',
    defaults: { subscriptionId: 's', resourceGroup: 'r', location: 'l' },
    pollPace: 1,
    identity: 'bench',
    leaderElect: false,
    probeLoopback: true,
    httpHostAliases: {
      [HOSTS.good]: `127.0.0.1:${web.port}`,
      [HOSTS.silent]: `127.0.0.1:${web.silentPort}`,
      [HOSTS.refused]: '127.0.0.1:1',
    },
    onLost: () => {},
  });
  await operator.working;
  const madeAt = clock.monotonic();
  for (let index = 0; index < count; index++) {
    const host = index % 20 === 0 ? 'silent' : index % 20 === 1 ? 'refused' : 'good';
    await client.create(storageBackends, {
      metadata: { namespace: 'bench', name: `backend-${index}` },
      spec: {
        type: 'http',
        http: { baseURL: `https://${HOSTS[host]}/${index}` },
        caBundle: { type: 'ConfigMap', configMap: { name: ca.name, key: 'ca.crt' } },
      },
    } as never);
  }
  console.log(`${count} backends made in ${seconds(clock.monotonic() - madeAt)} s`);
  // The first round answers at once; from the second on each has its own moment.
  await sleep(clock, 90_000);
  web.reset();
  globalThis.gc?.();
  const before = process.memoryUsage();
  const cpu = process.cpuUsage();
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  await sleep(clock, minutes * 60_000);
  delay.disable();
  const used = process.cpuUsage(cpu);
  const perSecond = await web.counts();
  report({ perSecond, delay, before, used, states: await states(client) });
  await operator.stop();
  await user.close();
}

function report(seen: {
  perSecond: readonly number[];
  delay: ReturnType<typeof monitorEventLoopDelay>;
  before: NodeJS.MemoryUsage;
  used: NodeJS.CpuUsage;
  states: string;
}): void {
  const { perSecond, delay, before, used, states } = seen;
  const total = perSecond.reduce((sum, one) => sum + one, 0);
  const sorted = [...perSecond].sort((one, other) => one - other);
  const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
  const milliseconds = (nanoseconds: number): string => (nanoseconds / 1e6).toFixed(1);
  const after = process.memoryUsage();
  const mebibytes = (bytes: number): number => Math.round(bytes / 2 ** 20);
  const cpuShare = (used.user + used.system) / 1e6 / (minutes * 60);
  console.log(states);
  console.log(`probes that arrived: ${total} in ${minutes} min`);
  console.log(
    `per second: mean ${(total / perSecond.length).toFixed(1)}, p5 ${at(0.05)}, p95 ${at(0.95)}, max ${at(1)}`,
  );
  console.log(
    `event loop delay: p50 ${milliseconds(delay.percentile(50))} ms, p99 ${milliseconds(delay.percentile(99))} ms, p99.9 ${milliseconds(delay.percentile(99.9))} ms, max ${milliseconds(delay.max)} ms`,
  );
  console.log(
    `memory: RSS ${mebibytes(before.rss)} → ${mebibytes(after.rss)} MiB, heap ${mebibytes(before.heapUsed)} → ${mebibytes(after.heapUsed)} MiB; CPU ${(100 * cpuShare).toFixed(0)} % of a core`,
  );
}

async function states(client: ReturnType<typeof connectKubernetes>['client']): Promise<string> {
  const counts = new Map<string, number>();
  for (const { status } of await client.list(storageBackends, { namespace: 'bench' }))
    counts.set(status?.phase ?? 'none', (counts.get(status?.phase ?? 'none') ?? 0) + 1);
  return [...counts].map(([phase, number]) => `${number} ${phase}`).join(', ');
}

async function startApiServer() {
  const main = join(import.meta.dirname, '../../src/main.ts');
  const state = join(folder, 'state');
  const args = [main, 'local', '--port=0', '--azure-port=0', '--without=controller,agents'];
  const child = spawn(process.execPath, [...args, `--state-dir=${state}`], { stdio: 'ignore' });
  children.push(child);
  for (let tries = 0; ; tries++) {
    await sleep(clock, 500);
    try {
      return findCluster({ runtime, path: join(state, 'kubeconfig'), context: undefined });
    } catch (error) {
      if (tries > 60) throw error;
    }
  }
}

interface WebServer {
  readonly port: number;
  readonly silentPort: number;
  reset(): void;
  counts(): Promise<number[]>;
}

/** In a process of its own: its handshakes must not count as the operator's. */
async function startWebServer(tls: { key: string; cert: string }): Promise<WebServer> {
  const source = `
    import { createServer } from 'node:https';
    import { createServer as createSilent } from 'node:net';
    const { key, cert } = JSON.parse(process.argv[1]);
    let counts = [], startedAt = performance.now();
    const server = createServer({ key, cert }, (request, response) => {
      const second = Math.floor((performance.now() - startedAt) / 1000);
      counts[second] = (counts[second] ?? 0) + 1;
      response.end();
    }).listen(0, '127.0.0.1', () => {
      const silent = createSilent((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1', () =>
        process.send({ port: server.address().port, silentPort: silent.address().port }));
    });
    process.on('message', (message) => {
      if (message === 'reset') { counts = []; startedAt = performance.now(); }
      else process.send({ counts: Array.from(counts, (count) => count ?? 0) });
    });
  `;
  const child = spawn(
    process.execPath,
    ['--input-type=module', '-e', source, JSON.stringify(tls)],
    { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] },
  );
  children.push(child);
  const next = <T>(): Promise<T> =>
    new Promise((resolve) => child.once('message', resolve as never));
  const { port, silentPort } = await next<{ port: number; silentPort: number }>();
  return {
    port,
    silentPort,
    reset: () => child.send('reset'),
    counts: async () => {
      child.send('counts');
      return (await next<{ counts: number[] }>()).counts;
    },
  };
}

function seconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(1);
}
