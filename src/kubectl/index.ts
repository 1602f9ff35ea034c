#!/usr/bin/env node
// kubectl poolkeeper: what a person wants to know or do that `kubectl get` alone does not answer.
import { parseArgs } from 'node:util';
import { parseDuration } from '../api/duration.ts';
import { connectKubernetes, createKubeClient, findCluster } from '../kube/index.ts';
import { messageOf } from '../runtime/errors.ts';
import { createRuntime } from '../runtime/index.ts';
import { command as claim } from './claim-command.ts';
import { type Command, type Options, textOption } from './command.ts';
import { command as drives } from './drives-command.ts';
import { command as output } from './output-command.ts';
import { command as release } from './release-command.ts';
import { command as status } from './status-command.ts';
import { command as probe } from './test-command.ts';
import { UsageError } from './usage-error.ts';
import { command as why } from './why-command.ts';

const COMMANDS: Readonly<Record<string, Command>> = {
  status,
  why,
  output,
  drives,
  claim,
  release,
  test: probe,
};

const GENERAL = {
  namespace: { type: 'string', short: 'n' },
  'all-namespaces': { type: 'boolean', short: 'A' },
  kubeconfig: { type: 'string' },
  context: { type: 'string' },
  timeout: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

function usage(): string {
  const lines = Object.values(COMMANDS).map((each) => `  ${each.usage.padEnd(28)}${each.summary}`);
  return `kubectl poolkeeper <command>\n\n${lines.join('\n')}

Every command takes -n/--namespace, --kubeconfig, --context and --timeout;
\`kubectl poolkeeper <command> --help\` tells the others.`;
}

function helpOf(command: Command): string {
  const options = Object.entries(command.optionHelp ?? {}).map(
    ([name, text]) => `  --${name.padEnd(20)}${text}`,
  );
  const wait = command.timeout
    ? `\n  --timeout             How long to wait; ${command.timeout}`
    : '';
  return [
    `kubectl poolkeeper ${command.usage}\n\n${command.summary}`,
    `\nOptions:${wait}`,
    ...options,
    '  -n, --namespace       The namespace; default: that of the context',
    '  --kubeconfig, --context',
  ].join('\n');
}

async function main([name, ...argv]: string[]): Promise<number> {
  const command = name === undefined ? undefined : COMMANDS[name];
  if (!command) {
    const asked = name === undefined || ['help', '--help', '-h'].includes(name);
    if (!asked) throw new UsageError(`no command ${name}`);
    console.log(usage());
    return 0;
  }
  const { values, positionals } = readArguments(command, argv);
  if (values['help']) {
    console.log(helpOf(command));
    return 0;
  }
  return runCommand(command, positionals, values);
}

function readArguments(
  command: Command,
  argv: string[],
): { values: Options; positionals: readonly string[] } {
  try {
    const options = { ...GENERAL, ...command.options };
    const { values, positionals } = parseArgs({ args: argv, options, allowPositionals: true });
    return { values: values as Options, positionals };
  } catch (error) {
    throw new UsageError(messageOf(error));
  }
}

async function runCommand(
  command: Command,
  words: readonly string[],
  options: Options,
): Promise<number> {
  const runtime = createRuntime();
  const access = findCluster({
    runtime,
    path: textOption(options, 'kubeconfig'),
    context: textOption(options, 'context'),
  });
  const { connection, close } = connectKubernetes({ runtime, to: access, component: 'kubectl' });
  const session = {
    runtime,
    connection,
    client: createKubeClient({ connection, fieldManager: 'kubectl-poolkeeper' }),
    namespace: textOption(options, 'namespace') ?? access.namespace ?? 'default',
    allNamespaces: options['all-namespaces'] === true,
    columns: process.stdout.columns ?? 100,
    signal: endOf(command, options, runtime.clock),
    print: (text: string) => console.log(text),
  };
  try {
    return await command.run(session, words, options);
  } finally {
    await close();
  }
}

function endOf(
  command: Command,
  options: Options,
  clock: { schedule(milliseconds: number, callback: () => void): unknown },
): AbortSignal {
  const end = new AbortController();
  process.once('SIGINT', () => end.abort());
  process.once('SIGTERM', () => end.abort());
  const timeout = textOption(options, 'timeout') ?? command.timeout;
  if (timeout !== undefined) {
    if (!/^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$/.test(timeout))
      throw new UsageError(`--timeout: ${timeout} is not a duration such as 90s`);
    clock.schedule(parseDuration(timeout), () => end.abort());
  }
  return end.signal;
}

/** Explicit exit, as an idle socket must not keep a finished command alive; but after the last byte. */
function exit(exitCode: number): void {
  process.stdout.write('', () => process.exit(exitCode));
}

main(process.argv.slice(2)).then(exit, (error: unknown) => {
  const isUsage = error instanceof UsageError;
  console.error(`kubectl poolkeeper: ${messageOf(error)}`);
  if (isUsage) console.error('\nTry kubectl poolkeeper --help.');
  exit(isUsage ? 2 : 1);
});
