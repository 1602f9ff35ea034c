// What a script in the guest printed, out of Azure's wording. Linux: one entry with both streams
// between marks and the exit code in its first line; Windows: one entry per stream.

export interface RunCommandOutput {
  /** Unknown when Azure doesn't tell, as for Windows. */
  readonly exitCode?: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface Entry {
  readonly code: string;
  readonly message?: string;
}

/** Undefined when this isn't the output of a command. */
export function readRunCommandOutput(output: unknown): RunCommandOutput | undefined {
  const value = (output as { value?: unknown } | undefined)?.value;
  if (!Array.isArray(value) || value.length === 0 || !value.every(isEntry)) return undefined;
  const stream = (name: string): string =>
    value.find((entry) => entry.code.toLowerCase().startsWith(`componentstatus/${name}`))
      ?.message ?? '';
  if (value.some((entry) => /^componentstatus\//i.test(entry.code)))
    return { stdout: stream('stdout'), stderr: stream('stderr') };
  const [entry] = value;
  const message = entry?.message ?? '';
  const [head = '', rest = ''] = split(message, '[stdout]\n');
  const [stdout = '', stderr = ''] = split(rest, '\n[stderr]\n');
  const exitCode = readExitCode(head, entry?.code ?? '');
  return { ...(exitCode !== undefined && { exitCode }), stdout, stderr };
}

function readExitCode(head: string, code: string): number | undefined {
  const [, status] = /exit status[ =](\d+)/i.exec(head) ?? [];
  if (status !== undefined) return Number(status);
  if (/enable succeeded/i.test(head)) return 0;
  return /failed/i.test(head) || /failed/i.test(code) ? 1 : undefined;
}

function split(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + mark.length)];
}

function isEntry(value: unknown): value is Entry {
  return typeof (value as { code?: unknown } | null)?.code === 'string';
}
