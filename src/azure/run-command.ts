// Scripts in the guest. Azure tells what they printed in its own wording and keeps their exit code
// to itself, so the script is made to tell it as the last thing it prints.

export interface RunCommandOutput {
  /** Unknown when the script never came to its end: broken syntax, killed, or out of time. */
  readonly exitCode?: number;
  readonly stdout: string;
  readonly stderr: string;
}

const EXIT_CODE_MARK = 'poolkeeper-exit-code:';
/** Only the tail of long output comes back, and the mark is in it. */
const exitCodeLine = new RegExp(`${EXIT_CODE_MARK}(\\d+)\\s*$`);

/** In a subshell, so that `exit` and `set -e` end the script and not the telling. */
export function writeScript(script: string): string[] {
  return ['(', ...script.split('\n'), ')', `echo "${EXIT_CODE_MARK}$?"`];
}

interface Entry {
  readonly code: string;
  readonly message?: string;
}

/**
 * Undefined when this isn't the output of a command. Linux: one entry with both streams between
 * marks. Windows: one entry per stream.
 */
export function readRunCommandOutput(output: unknown): RunCommandOutput | undefined {
  const value = (output as { value?: unknown } | undefined)?.value;
  if (!Array.isArray(value) || value.length === 0 || !value.every(isEntry)) return undefined;
  const entries: readonly Entry[] = value;
  if (entries.some((entry) => /^componentstatus\//i.test(entry.code)))
    return readStreams(streamOf(entries, 'stdout'), streamOf(entries, 'stderr'));
  const [head = '', rest = ''] = split(entries[0]?.message ?? '', '[stdout]\n');
  const [stdout = '', stderr = ''] = split(rest, '\n[stderr]\n');
  // The agent could not even run it: its reason is in front of the streams.
  return /succeeded/i.test(head) ? readStreams(stdout, stderr) : { stdout, stderr: head + stderr };
}

function readStreams(printed: string, stderr: string): RunCommandOutput {
  const [mark, exitCode] = exitCodeLine.exec(printed) ?? [];
  if (mark === undefined) return { stdout: printed, stderr };
  return { exitCode: Number(exitCode), stdout: printed.slice(0, -mark.length), stderr };
}

function streamOf(entries: readonly Entry[], name: string): string {
  const prefix = `componentstatus/${name}`;
  return entries.find((entry) => entry.code.toLowerCase().startsWith(prefix))?.message ?? '';
}

function split(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + mark.length)];
}

function isEntry(value: unknown): value is Entry {
  return typeof (value as { code?: unknown } | null)?.code === 'string';
}
