#!/usr/bin/env node
// poolkeeper <command>: reads the settings of one command and runs it. Commands are loaded on demand,
// so that the controller never loads the simulators and the agent never loads the Azure SDK.
import { readFileSync } from 'node:fs';
import type { Command } from './cli/command.ts';
import { describeSettings, readSettings, SettingsError } from './cli/settings.ts';

const COMMANDS: Record<string, () => Promise<{ command: Command }>> = {
  controller: () => import('./cli/controller.ts'),
  agent: () => import('./cli/agent.ts'),
  local: () => import('./cli/local.ts'),
  history: () => import('./cli/history.ts'),
  crds: () => import('./cli/crds.ts'),
  check: () => import('./cli/check.ts'),
};

const USAGE = `Usage: poolkeeper <command> [--help] [settings]

Commands:
  controller  reconciles pools, claims and storage against a cluster and Azure
  agent       makes a node's storage real; one per node
  local       the whole product on this machine: embedded Kubernetes API, simulated Azure and nodes
  history     shows what happened, from the history in Azure Table Storage
  crds        prints the CustomResourceDefinitions
  check       asks a running controller or agent how it is

Settings also come from POOLKEEPER_* variables and --config FILE (YAML).`;

async function main([name, ...argv]: string[]): Promise<number> {
  const load = name === undefined ? undefined : COMMANDS[name];
  if (!load) {
    const asked = name === undefined || name === '--help' || name === 'help';
    console.error(asked ? USAGE : `poolkeeper: no command ${name}\n\n${USAGE}`);
    return asked && name !== undefined ? 0 : 2;
  }
  const { command } = await load();
  if (argv.includes('--help')) {
    console.log(`${command.summary}\n\nSettings:\n${describeSettings(command.settings)}`);
    return 0;
  }
  try {
    const readFile = (path: string): string => readFileSync(path, 'utf8');
    const read = () => readSettings(command.settings, { argv, env: process.env, readFile });
    return await command.run(read(), read);
  } catch (error) {
    if (error instanceof SettingsError) {
      console.error(`poolkeeper ${name}: ${error.message}`);
      return 2;
    }
    console.error(
      `poolkeeper ${name}: ${error instanceof Error ? (error.stack ?? error.message) : error}`,
    );
    return 1;
  }
}

// Explicit exit: a library's idle socket must never keep a finished command alive. A pipe that is
// full takes its time, so the last byte comes first.
const exitCode = await main(process.argv.slice(2));
process.stdout.write('', () => process.exit(exitCode));
