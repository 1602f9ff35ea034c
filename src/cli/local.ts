// poolkeeper local (`npm start`): the whole product on this machine, with the examples applied.
import { createWriteStream } from 'node:fs';
import { resolve } from 'node:path';
import * as z from 'zod';
import { parseDuration } from '../api/duration.ts';
import { sleep } from '../runtime/clock.ts';
import { createRuntime, type Runtime } from '../runtime/index.ts';
import { createLog } from '../runtime/log.ts';
import { createMetrics } from '../runtime/metrics.ts';
import { defineCommand } from './command.ts';
import { debugPage } from './debug-pools.ts';
import { applyExamples, type Example, readExamples, readReadiness } from './examples.ts';
import { endpointHandlers, endpointPage } from './http-endpoints.ts';
import { type RunningServer, serveHttp } from './http-server.ts';
import { ChangeLines, formatTable, readRows } from './live-table.ts';
import {
  holdDataDirectory,
  prepareStateDirectory,
  quoted,
  type StateDirectory,
} from './local-directories.ts';
import { type LocalEnvironment, startLocalEnvironment } from './local-environment.ts';
import { flag, list, wholeNumber } from './settings.ts';
import { stopSignal } from './signals.ts';

const duration = z
  .string()
  .refine((text) => /^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$/.test(text), 'a duration such as 120s or 2m');

const settings = z.object({
  port: wholeNumber(0, 65_535)
    .default(16_443)
    .describe('Port of the embedded Kubernetes API; 0 takes any free one'),
  azurePort: wholeNumber(0, 65_535)
    .default(16_444)
    .describe('Port of the simulated Azure; 0 takes any free one'),
  httpPort: wholeNumber(0, 65_535)
    .optional()
    .describe(
      'Port of /metrics, /healthz and /debug/pools; default 16445, or any free one with --port 0',
    ),
  azureSpeed: wholeNumber(1, 1000)
    .default(50)
    .describe('How many times faster than real ones Azure and the nodes run'),
  stateDir: z.string().default('.data').describe('Directory of the kubeconfig and the log'),
  dataDir: z
    .string()
    .optional()
    .describe(
      'Keep cluster, cloud and disks of the nodes here over restarts; default: in memory only',
    ),
  examples: flag().default(true).describe('Apply the examples'),
  authorization: z
    .enum(['AlwaysAllow', 'RBAC'])
    .default('AlwaysAllow')
    .describe('RBAC: controller and agents may do what the chart would grant them, nothing more'),
  without: list(z.enum(['controller', 'agents']))
    .default([])
    .describe('Parts to leave out: controller, agents'),
  exitWhenReady: flag()
    .default(false)
    .describe('End with 0 once every example is Ready, with 1 and the reasons after --timeout'),
  timeout: duration.default('120s').describe('How long --exit-when-ready waits'),
  logLevel: z
    .enum(['debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe('Least severe level that is logged'),
});

const DEFAULT_HTTP_PORT = 16_445;

type Settings = z.output<typeof settings>;

export const command = defineCommand({
  summary:
    'Runs the whole product on this machine: embedded Kubernetes API, simulated Azure and nodes,\ncontroller and agents, with the examples applied. Any kubectl can talk to it.',
  settings,
  run: async (given) => {
    const state = prepareStateDirectory(resolve(given.stateDir));
    const dataDirectory = given.dataDir && resolve(given.dataDir);
    const releaseData = dataDirectory ? holdDataDirectory(dataDirectory) : () => {};
    const runtime = createRuntime({
      log: createLog(given.logLevel, createWriteStream(state.logFile, { flags: 'a' })),
      metrics: createMetrics({ processMetrics: true }),
    });
    const stopped = stopSignal();
    const environment = await startLocalEnvironment({
      runtime,
      port: given.port,
      azurePort: given.azurePort,
      azureSpeed: given.azureSpeed,
      dataDirectory,
      withController: !given.without.includes('controller'),
      authorization: given.authorization,
      withAgents: !given.without.includes('agents'),
    });
    state.writeKubeconfig(environment.kubeconfig);
    // Who leaves the choice of one port to the system runs several of these at once.
    const httpPort = given.httpPort ?? (given.port === 0 ? 0 : DEFAULT_HTTP_PORT);
    const endpoints = await serveOperator(httpPort, runtime, environment);
    greet(environment, { ...state, endpoints: endpoints?.url, hasExamples: given.examples });
    const examples = given.examples ? readExamples() : [];
    await applyExamples(environment.client, examples);
    const code = await watch({ given, runtime, environment, examples, stopped });
    await environment.stop();
    await endpoints?.close();
    releaseData();
    return code;
  },
});

/** The controller's endpoints and its debug endpoint at one address: nobody else can reach it. */
async function serveOperator(
  port: number,
  { metrics }: Runtime,
  { operator }: LocalEnvironment,
): Promise<RunningServer | undefined> {
  if (!operator) return undefined;
  const handlers = endpointHandlers(operator, metrics.expose);
  return await serveHttp({
    address: `127.0.0.1:${port}`,
    setting: '--http-port',
    answer: (url, headers) =>
      url.pathname.startsWith('/debug/')
        ? debugPage(operator.report, url, headers)
        : endpointPage(url.pathname, handlers),
  });
}

interface Places extends Pick<StateDirectory, 'kubeconfigFile' | 'logFile'> {
  readonly endpoints: string | undefined;
  readonly hasExamples: boolean;
}

const ABOUT_EXAMPLES = `
  kubectl describe iclaim alice-box -n development
  kubectl get spool pool1 -n storage -o yaml`;

function greet(environment: LocalEnvironment, places: Places): void {
  const { kubeconfigFile, logFile, endpoints, hasExamples } = places;
  console.log(`Poolkeeper is running.

  Kubernetes API   ${environment.kubernetesUrl}
  simulated Azure  ${environment.azureUrl}${
    endpoints ? `\n  metrics, pools   ${endpoints}/metrics, ${endpoints}/debug/pools` : ''
  }
  log              ${logFile}

In another terminal:

  export KUBECONFIG=${quoted(kubeconfigFile)}
  kubectl get vpool,ipool,iclaim,spool,sbackend -A${hasExamples ? ABOUT_EXAMPLES : ''}
`);
}

interface Watched {
  readonly given: Settings;
  readonly runtime: Runtime;
  readonly environment: LocalEnvironment;
  readonly examples: readonly Example[];
  readonly stopped: Promise<unknown>;
}

const REFRESH_MILLISECONDS = 500;

/** Shows what happens until told to stop; resolves with the exit code. */
async function watch({ given, runtime, environment, examples, stopped }: Watched): Promise<number> {
  const { clock } = runtime;
  const deadline = clock.monotonic() + parseDuration(given.timeout);
  const show = presenter();
  let stopping = false;
  void stopped.then(() => {
    stopping = true;
    console.log('Stopping; once more ends it at once.');
  });
  while (!stopping) {
    show(await readRows(environment.client));
    if (given.exitWhenReady) {
      const readiness = await readReadiness(environment.client, examples);
      const missing = readiness.filter(({ ready }) => !ready);
      if (missing.length === 0) {
        console.log(`All ${readiness.length} examples are Ready.`);
        return 0;
      }
      if (clock.monotonic() >= deadline) {
        console.error(`Not Ready after ${given.timeout}:`);
        for (const { name, message } of missing) console.error(`  ${name}: ${message}`);
        return 1;
      }
    }
    await Promise.race([sleep(clock, REFRESH_MILLISECONDS), stopped]);
  }
  return given.exitWhenReady ? 130 : 0;
}

function presenter(): (rows: Awaited<ReturnType<typeof readRows>>) => void {
  if (!process.stdout.isTTY) {
    const lines = new ChangeLines();
    return (rows) => {
      for (const line of lines.changes(rows)) console.log(line);
    };
  }
  let drawn = 0;
  return (rows) => {
    const { columns = 120, rows: height = 50 } = process.stdout;
    const table = formatTable(rows, { columns, height });
    // Back to the first line of the table, then clear what is below.
    const back = drawn > 0 ? `\u001b[${drawn}A\u001b[J` : '';
    drawn = table.split('\n').length;
    process.stdout.write(`${back}${table}\n`);
  };
}
