// Run Command: a script executed inside a running machine. What it prints is up to a hook.
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
  readonly durationMilliseconds?: number;
}

/** Decides what a script does; called once per accepted command. */
export type RunCommandHook = (run: ScriptRun) => ScriptResult;
