// Run Command: a script executed inside a running machine. What it prints is up to a hook; the
// default understands a few words of shell. The answer does not carry the exit code: like Azure's,
// it says that running the script succeeded, whatever the script thought of it.
import { readBody } from '../bodies.ts';
import { accepted, type Call, type Cloud, startOperation } from '../calls.ts';
import { operationNotAllowed, refuse } from '../errors.ts';
import type { Reply } from '../messages.ts';
import type { Operation } from '../operations.ts';
import { runCommandSchema } from './bodies.ts';
import { smallShell } from './small-shell.ts';
import { existingMachine } from './update.ts';

export interface ScriptRun {
  readonly virtualMachineId: string;
  readonly virtualMachineName: string;
  readonly script: string;
  readonly parameters: Readonly<Record<string, string>>;
}

export interface ScriptResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
  /** How long the script itself takes; divided by the speed like everything else. */
  readonly durationMilliseconds?: number;
}

/** Decides what a script does; called once per accepted command. */
export type RunCommandHook = (run: ScriptRun) => ScriptResult;

/** Only the end of the output comes back. */
const MAX_OUTPUT_CHARACTERS = 4096;
const HINT_SECONDS = 10;

export function runCommand(cloud: Cloud, call: Call): Reply {
  const body = readBody(runCommandSchema, call.body);
  const machine = existingMachine(cloud, call);
  if (machine.powerState !== 'running')
    throw operationNotAllowed('Cannot modify extensions in the VM when the VM is not running.');
  if (body.commandId !== 'RunShellScript')
    throw refuse(404, 'NotFound', `The entity ${body.commandId} was not found.`, 'commandId');
  if (machine.operationId !== undefined)
    throw refuse(
      409,
      'Conflict',
      'Run command extension execution is in progress. Please wait for completion before ' +
        'invoking a run command.',
    );
  const parameters = (body.parameters ?? []).map(({ name, value }) => [name, value] as const);
  const hook = cloud.settings.runCommand ?? smallShell;
  const result = hook({
    virtualMachineId: machine.id,
    virtualMachineName: machine.name,
    script: (body.script ?? []).join('\n'),
    parameters: Object.fromEntries(parameters),
  });
  const operation = startOperation(cloud, call, {
    kind: 'virtualMachine.runCommand',
    resource: machine,
    duration: 'runCommandOverhead',
    extraMilliseconds: (result.durationMilliseconds ?? 0) / cloud.settings.speed,
    input: { stdout: result.stdout, stderr: result.stderr },
  });
  machine.provisioningState = 'Updating';
  cloud.resources.save(machine, call.now);
  return accepted(cloud, operation, {
    status: 202,
    headers: 'both',
    retryAfterSeconds: HINT_SECONDS,
  });
}

export function finishRunCommand(cloud: Cloud, operation: Operation, at: number): void {
  const { stdout, stderr } = operation.input;
  const output = {
    value: [
      {
        code: 'ProvisioningState/succeeded',
        level: 'Info',
        displayStatus: 'Provisioning succeeded',
        message: `Enable succeeded: \n[stdout]\n${tail(stdout)}\n[stderr]\n${tail(stderr)}`,
      },
    ],
  };
  operation.output = output;
  operation.result = { status: 200, body: output };
  const machine = cloud.resources.get('virtualMachine', operation.resourceId);
  if (!machine || machine.operationId !== operation.id) return;
  delete machine.operationId;
  machine.provisioningState = 'Succeeded';
  cloud.resources.save(machine, at);
}

function tail(text: unknown): string {
  return String(text ?? '').slice(-MAX_OUTPUT_CHARACTERS);
}
