// What every `poolkeeper <command>` offers to the entry point.
import type * as z from 'zod';

export interface Command {
  /** One or two sentences for `--help`. */
  readonly summary: string;
  readonly settings: z.ZodObject<Record<string, z.ZodType>>;
  /**
   * Runs until done or told to stop; resolves with the process' exit code. `readAgain` reads the settings
   * anew from where they came from, for those that may change meanwhile.
   */
  run(settings: Record<string, unknown>, readAgain: () => Record<string, unknown>): Promise<number>;
}

/** Ties a command's settings type to its run function. */
export function defineCommand<S extends z.ZodObject<Record<string, z.ZodType>>>(definition: {
  summary: string;
  settings: S;
  run(settings: z.output<S>, readAgain: () => z.output<S>): Promise<number>;
}): Command {
  return {
    summary: definition.summary,
    settings: definition.settings,
    run: (settings, readAgain) =>
      definition.run(settings as z.output<S>, readAgain as () => z.output<S>),
  };
}
