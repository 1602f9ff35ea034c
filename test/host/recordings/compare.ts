// Where an answer of the simulated host differs in form from the recorded one, one line each. What
// must be alike: exit codes, the keys and types of JSON, the keys of `KEY=value` output, and each line
// of words once numbers and identifiers are taken out of it.
import { renderTerminal } from '../../../src/agent/redaction.ts';
import type { Answer } from './story.ts';

export function differencesOf(real: Answer, simulated: Answer): string[] {
  const differences: string[] = [];
  if (real.exitCode !== simulated.exitCode)
    differences.push(`exit code ${simulated.exitCode} instead of ${real.exitCode}`);
  const outputs = ['stdout', 'stderr'] as const;
  for (const output of outputs) {
    const [wanted, got] = [real[output] ?? '', simulated[output] ?? ''];
    differences.push(...textDifferences(wanted, got).map((line) => `${output}: ${line}`));
  }
  return differences;
}

function textDifferences(wanted: string, got: string): string[] {
  if (wanted.trimStart().startsWith('{') && got.trimStart().startsWith('{'))
    return setDifferences(shapeOf(JSON.parse(wanted)), shapeOf(JSON.parse(got)));
  if (isExport(wanted) && isExport(got)) return setDifferences(keysOf(wanted), keysOf(got));
  return setDifferences(wordsOf(wanted), wordsOf(got));
}

function setDifferences(wanted: readonly string[], got: readonly string[]): string[] {
  return [
    ...wanted.filter((one) => !got.includes(one)).map((one) => `lacks ${one}`),
    ...got.filter((one) => !wanted.includes(one)).map((one) => `has ${one}`),
  ];
}

/** Every path in it with the type of what is there. */
function shapeOf(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) return [...new Set(value.flatMap((one) => shapeOf(one, `${path}[]`)))];
  if (typeof value !== 'object' || value === null)
    return [`${path}: ${value === null ? 'null' : typeof value}`];
  return Object.entries(value).flatMap(([key, one]) => shapeOf(one, `${path}.${key}`));
}

function isExport(text: string): boolean {
  return /^[A-Z][A-Za-z0-9_@]*=/m.test(text);
}

function keysOf(text: string): string[] {
  const lines = text.split('\n').filter((line) => line.includes('='));
  // Kinds are what the agent decides by; the other values differ from machine to machine.
  const fixed = /^(TYPE|PTTYPE|USAGE|MD_LEVEL|MD_DEVICES|MD_METADATA)=/;
  return lines.map((line) => (fixed.test(line) ? line : line.slice(0, line.indexOf('='))));
}

function wordsOf(text: string): string[] {
  // What programs write over themselves is seen as on a screen in the end.
  const shown = renderTerminal(text);
  const lines = shown.split('\n').map((line) =>
    line
      .replaceAll(/[0-9a-f]{8}([-:][0-9a-f]{4,8}){3,4}[0-9a-f]*/g, '<uuid>')
      .replaceAll(/0x[0-9a-f]+/g, '<number>')
      .replaceAll(/\b[0-9a-f]{2}( [0-9a-f]{2})+\b/g, '<bytes>')
      .replaceAll(/\d+(\.\d+)?/g, '<number>')
      .replaceAll(/\s+/g, ' ')
      .trim(),
  );
  return [...new Set(lines.filter(Boolean))];
}
