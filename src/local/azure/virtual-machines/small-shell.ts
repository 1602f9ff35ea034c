// What a script does in a simulated guest when nobody says otherwise: a few words of shell, enough
// for examples and for telling success from failure.
import type { ScriptResult, ScriptRun } from './run-command.ts';

interface Progress {
  readonly stdout: string[];
  readonly stderr: string[];
  sleptMilliseconds: number;
  exitCode: number;
}

/**
 * Knows `echo` (also `>&2`), `hostname`, `sleep`, `true`, `false`, `exit`, comments, and a subshell
 * in parentheses of their own, which `exit` leaves. Every other command succeeds silently.
 */
export function smallShell(run: ScriptRun): ScriptResult {
  const progress: Progress = { stdout: [], stderr: [], sleptMilliseconds: 0, exitCode: 0 };
  const statements = run.script.split(/[\n;]|&&/).map((statement) => statement.trim());
  let depth = 0;
  /** Statements are skipped until the subshell of this depth ends; 0 means the script itself. */
  let leaving: number | undefined;
  for (const statement of statements) {
    if (statement === '(') depth++;
    else if (statement === ')') {
      if (leaving === depth) leaving = undefined;
      depth--;
    } else if (leaving === undefined && execute(statement, run, progress) === 'exit')
      leaving = depth;
  }
  return {
    stdout: progress.stdout.map((line) => `${line}\n`).join(''),
    stderr: progress.stderr.map((line) => `${line}\n`).join(''),
    exitCode: progress.exitCode,
    durationMilliseconds: progress.sleptMilliseconds,
  };
}

function execute(statement: string, run: ScriptRun, progress: Progress): 'exit' | undefined {
  const [word = '', ...rest] = statement.split(/\s+/);
  const text = rest.join(' ');
  switch (word) {
    case '':
    case '#':
      return undefined;
    case 'exit':
      progress.exitCode = text === '' ? progress.exitCode : Number(text) || 0;
      return 'exit';
    case 'echo': {
      const target = text.includes('>&2') ? progress.stderr : progress.stdout;
      const words = text.replace('>&2', '').trim();
      target.push(unquoted(words).replaceAll('$?', String(progress.exitCode)));
      break;
    }
    case 'hostname':
      progress.stdout.push(run.virtualMachineName);
      break;
    case 'sleep':
      progress.sleptMilliseconds += Number(text) * 1000 || 0;
      break;
  }
  progress.exitCode = word === 'false' ? 1 : 0;
  return undefined;
}

function unquoted(text: string): string {
  return text.replace(/^(['"])(.*)\1$/, '$2');
}
