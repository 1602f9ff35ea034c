// A thousand HTTPS backends on one operator: are their probes spread evenly, does the event loop stay
// free, does memory stay bounded.
//
//   node --expose-gc test/bench/backends.ts [backends=1000] [minutes=3] [interval=1m]
//
// The API server is a process of its own (`poolkeeper local` without controller and agents), and so is
// the web server, which counts the probes that arrive in each second. Each backend is probed once a
// minute over TLS that an authority of its own signed; one in twenty never answers, one in twenty refuses
// the connection. Prints how evenly the probes arrive, for how long the operator's event loop is held at
// a time, and its memory.
//
// Measured on two cores that others were using: see docs/storage-backends.md.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
const probeInterval = process.argv[4] ?? '1m';
const runtime = createRuntime();
const { clock } = runtime;
const folder = mkdtempSync(join(tmpdir(), 'poolkeeper-bench-'));
const children: ChildProcess[] = [];
const LOOK_MILLISECONDS = 5;
const AT_ONCE = 20;
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
  const make = async (index: number): Promise<void> => {
    const host = index % 20 === 0 ? 'silent' : index % 20 === 1 ? 'refused' : 'good';
    await client.create(storageBackends, {
      metadata: { namespace: 'bench', name: `backend-${index}` },
      spec: {
        type: 'http',
        probeInterval,
        http: { baseURL: `https://${HOSTS[host]}/${index}` },
        caBundle: { type: 'ConfigMap', configMap: { name: ca.name, key: 'ca.crt' } },
      },
    } as never);
  };
  for (let index = 0; index < count; index += AT_ONCE)
    await Promise.all(
      Array.from({ length: Math.min(AT_ONCE, count - index) }, (_, more) => make(index + more)),
    );
  console.log(`${count} backends made in ${seconds(clock.monotonic() - madeAt)} s`);
  // The first round answers at once; from the second on each has its own moment.
  await sleep(clock, 90_000);
  web.reset();
  globalThis.gc?.();
  const before = process.memoryUsage();
  const cpu = process.cpuUsage();
  const stretches = watchStretches();
  await sleep(clock, minutes * 60_000);
  const busy = stretches();
  const used = process.cpuUsage(cpu);
  const perSecond = await web.counts();
  const metrics = await runtime.metrics.expose();
  report({ perSecond, busy, before, used, metrics, states: await states(client) });
  await operator.stop();
  await user.close();
}

function report(seen: {
  perSecond: readonly number[];
  busy: readonly number[];
  before: NodeJS.MemoryUsage;
  used: NodeJS.CpuUsage;
  states: string;
  metrics: string;
}): void {
  const { perSecond, busy, before, used, states, metrics } = seen;
  const total = perSecond.reduce((sum, one) => sum + one, 0);
  const sorted = [...perSecond].sort((one, other) => one - other);
  const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
  const stretch = (share: number): string =>
    (busy[Math.floor(share * (busy.length - 1))] ?? 0).toFixed(1);
  globalThis.gc?.();
  const after = process.memoryUsage();
  const mebibytes = (bytes: number): number => Math.round(bytes / 2 ** 20);
  const cpuShare = (used.user + used.system) / 1e6 / (minutes * 60);
  console.log(states);
  const sums =
    metrics.match(/probe_duration_seconds_(sum|count)\{[^}]*Online[^}]*\} [\d.]+/g) ?? [];
  console.log(sums.join('\n'));
  console.log(`probes that arrived: ${total} in ${minutes} min`);
  console.log(
    `per second: mean ${(total / perSecond.length).toFixed(1)}, p5 ${at(0.05)}, p95 ${at(0.95)}, max ${at(1)}`,
  );
  console.log(
    `event loop held for: p50 ${stretch(0.5)} ms, p99 ${stretch(0.99)} ms, p99.9 ${stretch(0.999)} ms, max ${stretch(1)} ms`,
  );
  console.log(
    `memory: RSS ${mebibytes(before.rss)} → ${mebibytes(after.rss)} MiB, heap ${mebibytes(before.heapUsed)} → ${mebibytes(after.heapUsed)} MiB; CPU ${(100 * cpuShare).toFixed(0)} % of a core`,
  );
}

/**
 * How long the event loop is held between two looks at it, in milliseconds of its own processor time:
 * what others do on the machine doesn't count. The returned function ends it; sorted.
 */
function watchStretches(): () => number[] {
  const found: number[] = [];
  let last = process.threadCpuUsage();
  const timer = setInterval(() => {
    const { user, system } = process.threadCpuUsage(last);
    last = process.threadCpuUsage();
    found.push((user + system) / 1000);
  }, LOOK_MILLISECONDS);
  return () => {
    clearInterval(timer);
    return found.sort((one, other) => one - other);
  };
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
