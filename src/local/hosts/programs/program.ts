// What a simulated program is: it reads its arguments, does its work on the machine in the same
// stages as the real tool (so that killing it leaves the same half-made state), and exits.
import type { BlockNode } from '../block-layer.ts';
import type { Machine } from '../machine.ts';

export interface ProgramCall {
  readonly machine: Machine;
  readonly program: string;
  readonly arguments: readonly string[];
  readonly input: string | undefined;
  /** Takes this long on a real machine. Never returns in a program that is killed meanwhile. */
  work(milliseconds: number): Promise<void>;
  out(text: string): void;
  err(text: string): void;
}

/** Resolves with the exit code. */
export type Program = (call: ProgramCall) => Promise<number>;

export interface ParsedArguments {
  readonly flags: ReadonlySet<string>;
  readonly values: ReadonlyMap<string, string>;
  readonly operands: readonly string[];
}

/**
 * Splits arguments into flags (`--run`, `-n`), options with a value (`--level=1`, or `-o x` for the
 * names listed in `takingValues`) and operands.
 */
export function parseArguments(
  list: readonly string[],
  takingValues: readonly string[] = [],
): ParsedArguments {
  const flags = new Set<string>();
  const values = new Map<string, string>();
  const operands: string[] = [];
  for (let index = 0; index < list.length; index++) {
    const argument = list[index]!;
    const equals = argument.indexOf('=');
    if (!argument.startsWith('-') || argument === '-') operands.push(argument);
    else if (takingValues.includes(argument)) values.set(argument, list[++index] ?? '');
    else if (argument.startsWith('--') && equals > 0)
      values.set(argument.slice(0, equals), argument.slice(equals + 1));
    else flags.add(argument);
  }
  return { flags, values, operands };
}

/** Whole-disk identity of a node, for reports. */
export function identityOf(node: BlockNode): { serial?: string; wwn?: string; model?: string } {
  const { serial, wwn, model } = node.disk?.options ?? {};
  return { ...(serial && { serial }), ...(wwn && { wwn }), ...(model && { model }) };
}
