// The cloud on disk: a line per change, written before the answer leaves, so that the environment
// may be killed at any moment and finds its cloud again. Rewritten in short at every start.
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Cloud } from './calls.ts';
import type { Operation } from './operations.ts';
import type { ResourceRecord } from './records.ts';

type Line =
  | { readonly type: 'resource'; readonly record: ResourceRecord }
  | { readonly type: 'removed'; readonly id: string }
  | { readonly type: 'operation'; readonly operation: Operation };

const FILE_NAME = 'azure.jsonl';
/** Restored resources are old news to Resource Graph: visible at once. */
const LONG_AGO_MILLISECONDS = 24 * 3600 * 1000;

export class Journal {
  readonly #file: string;
  readonly #cloud: Cloud;
  #descriptor: number | undefined;

  constructor(directory: string, cloud: Cloud) {
    mkdirSync(directory, { recursive: true });
    this.#file = join(directory, FILE_NAME);
    this.#cloud = cloud;
  }

  /** Reads back what was there, then follows every change. */
  open(): void {
    const { resources, operations, runtime } = this.#cloud;
    this.#replay(runtime.clock.now() - LONG_AGO_MILLISECONDS);
    const lines = [
      ...resources.all().map((record): Line => ({ type: 'resource', record })),
      ...operations.all().map((operation): Line => ({ type: 'operation', operation })),
    ];
    const shorter = `${this.#file}.new`;
    writeFileSync(shorter, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    renameSync(shorter, this.#file);
    this.#descriptor = openSync(this.#file, 'a');
    resources.onChange(({ id, record }) =>
      this.#write(record ? { type: 'resource', record } : { type: 'removed', id }),
    );
    operations.onChange((operation) => this.#write({ type: 'operation', operation }));
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  #write(line: Line): void {
    if (this.#descriptor !== undefined) writeSync(this.#descriptor, `${JSON.stringify(line)}\n`);
  }

  #replay(at: number): void {
    if (!existsSync(this.#file)) return;
    const { resources, operations } = this.#cloud;
    const latest = new Map<string, Operation>();
    for (const text of readFileSync(this.#file, 'utf8').split('\n')) {
      const line = readLine(text);
      if (line?.type === 'resource') resources.save(line.record, at);
      else if (line?.type === 'removed') resources.remove(line.id, at);
      else if (line?.type === 'operation') latest.set(line.operation.id, line.operation);
    }
    for (const operation of latest.values()) operations.add(operation);
  }
}

/** The last line may have been cut short by a kill: its change was never answered. */
function readLine(text: string): Line | undefined {
  if (text === '') return undefined;
  try {
    return JSON.parse(text) as Line;
  } catch {
    return undefined;
  }
}
