// The agent's host port onto a simulated machine: same calls, same answers, faults on demand.
import type { CommandResult, HostCommand, HostPort } from '../../agent/host-port.ts';
import { ChildProcess } from './child-process.ts';
import { type FaultEffect, FaultPlan, type PortCall } from './faults.ts';
import { Machine, type MachineOptions } from './machine.ts';
import { programs } from './programs/index.ts';
import { DeviceError } from './sparse-bytes.ts';
import { listVirtual, readVirtual } from './virtual-files.ts';

export interface SimulatedHostOptions extends MachineOptions {
  readonly nodeName: string;
}

export interface LoggedCommand {
  readonly argv: readonly string[];
  readonly startedAt: number;
  /** Absent while it runs, and when the agent died under it. */
  exitCode?: number;
}

const zeros = Buffer.alloc(1024 * 1024);
const COMMAND_LOG_MAX = 5000;
const EXIT_PROGRAM_MISSING = 127;
const never = (): Promise<never> => new Promise(() => {});

/** One agent's connection. A dead agent's connection answers nothing any more. */
interface Session {
  lost: boolean;
  readonly children: Set<ChildProcess>;
}

export class SimulatedHost implements HostPort {
  readonly nodeName: string;
  readonly machine: Machine;
  readonly faults = new FaultPlan();
  /** Everything that was run, for tests to look at. */
  readonly commands: LoggedCommand[] = [];
  /** Called after the agent was lost to a fault, so that a test can start the next one. */
  onAgentLost: () => void = () => {};
  #calls = 0;
  #session: Session = { lost: false, children: new Set() };

  constructor(options: SimulatedHostOptions) {
    this.nodeName = options.nodeName;
    this.machine = new Machine({ ...options, hostName: options.nodeName });
  }

  /** Kills the current agent's children and cuts it off; the next caller talks on a new session. */
  loseAgent(): void {
    const session = this.#session;
    session.lost = true;
    for (const child of session.children) child.kill();
    this.#session = { lost: false, children: new Set() };
  }

  /** A port for one life of an agent: it goes dead when `loseAgent` is called. */
  connect(): HostPort {
    const session = this.#session;
    return {
      nodeName: this.nodeName,
      run: (command, options) => this.#run(session, command, options?.signal),
      readFile: (path) => this.#call(session, 'readFile', path, () => this.#read(path)),
      writeFile: (path, content, options) =>
        this.#call(session, 'writeFile', path, () => this.#write(path, content, options?.mode)),
      removeFile: (path) => this.#call(session, 'removeFile', path, () => this.#remove(path)),
      makeDirectory: (path) =>
        this.#call(session, 'makeDirectory', path, () => {
          const place = this.machine.locate(path);
          place.tree.makeDirectory(place.path);
        }),
      listDirectory: (path) =>
        this.#call(session, 'readFile', path, () => {
          const place = this.machine.locate(path);
          return listVirtual(this.machine, path) ?? place.tree.list(place.path);
        }),
      isZero: (path, offset, length) =>
        this.#call(session, 'isZero', path, () => this.#isZero(path, offset, length)),
    };
  }

  run(command: HostCommand, options?: { signal?: AbortSignal }): Promise<CommandResult> {
    return this.connect().run(command, options);
  }
  readFile(path: string): Promise<string | undefined> {
    return this.connect().readFile(path);
  }
  writeFile(path: string, content: string): Promise<void> {
    return this.connect().writeFile(path, content);
  }
  removeFile(path: string): Promise<void> {
    return this.connect().removeFile(path);
  }
  makeDirectory(path: string): Promise<void> {
    return this.connect().makeDirectory(path);
  }
  listDirectory(path: string): Promise<string[] | undefined> {
    return this.connect().listDirectory(path);
  }
  isZero(path: string, offsetBytes: number, lengthBytes: number): Promise<boolean> {
    return this.connect().isZero(path, offsetBytes, lengthBytes);
  }

  async #call<T>(
    session: Session,
    operation: PortCall['operation'],
    path: string,
    action: () => T,
  ): Promise<T> {
    if (session.lost) return never();
    const effect = this.faults.take({ operation, argv: [], path, index: this.#calls++ });
    if (effect?.type === 'lose-agent' && effect.moment === 'before') return this.#lose();
    if (effect?.type === 'hang' || effect?.type === 'stuck') return never();
    if (effect?.type === 'fail') throw new DeviceError('EIO', path);
    this.machine.tick();
    const result = action();
    if (effect?.type === 'lose-agent') return this.#lose();
    return result;
  }

  #lose(): Promise<never> {
    this.loseAgent();
    this.onAgentLost();
    return never();
  }

  #read(path: string): string | undefined {
    const virtual = readVirtual(this.machine, path);
    if (virtual !== undefined) return virtual;
    const place = this.machine.locate(path);
    return place.tree.files.get(place.path);
  }

  #write(path: string, content: string, mode: number | undefined): void {
    const place = this.machine.locate(path);
    if (place.mount?.options.includes('ro')) throw new Error('EROFS: read-only file system');
    place.tree.write(place.path, content);
    if (mode !== undefined) this.machine.fileModes.set(path, mode);
  }

  #remove(path: string): void {
    const place = this.machine.locate(path);
    place.tree.remove(place.path);
  }

  #isZero(path: string, offsetBytes: number, lengthBytes: number): boolean {
    const node = this.machine.blocks.resolve(path);
    if (!node) throw new DeviceError('ENOENT', path);
    if (this.machine.isBusy(node)) throw new DeviceError('EBUSY', path);
    const { content } = node;
    if (offsetBytes + lengthBytes > content.sizeBytes) throw new DeviceError('EIO', path);
    for (let at = 0; at < lengthBytes; at += zeros.length) {
      const bytes = content.read(offsetBytes + at, Math.min(zeros.length, lengthBytes - at));
      if (!zeros.subarray(0, bytes.length).equals(bytes)) return false;
    }
    return true;
  }

  async #run(
    session: Session,
    command: HostCommand,
    signal: AbortSignal | undefined,
  ): Promise<CommandResult> {
    if (session.lost) return never();
    const { argv } = command;
    const effect = this.faults.take({ operation: 'run', argv, path: '', index: this.#calls++ });
    if (effect?.type === 'lose-agent' && effect.moment === 'before') return this.#lose();
    const { clock } = this.machine.runtime;
    const startedAt = clock.now();
    const startedMonotonic = clock.monotonic();
    const logged: LoggedCommand = { argv, startedAt };
    this.commands.push(logged);
    if (this.commands.length > COMMAND_LOG_MAX) this.commands.shift();
    this.machine.tick();
    const outcome = await this.#execute(session, command, { signal, effect });
    if (session.lost) return never();
    this.machine.tick();
    logged.exitCode = outcome.exitCode;
    if (effect?.type === 'lose-agent') return this.#lose();
    const durationMilliseconds = clock.monotonic() - startedMonotonic;
    return { ...applyToResult(outcome, effect), startedAt, durationMilliseconds };
  }

  async #execute(
    session: Session,
    command: HostCommand,
    { signal, effect }: { signal: AbortSignal | undefined; effect: FaultEffect | undefined },
  ): Promise<Outcome> {
    const { argv } = command;
    const program = programs.get(argv[0]!);
    if (!program || this.machine.missingPrograms.has(argv[0]!)) {
      const stderr = `nsenter: failed to execute ${argv[0]}: No such file or directory\n`;
      return { exitCode: EXIT_PROGRAM_MISSING, stdout: '', stderr, timedOut: false };
    }
    if (effect?.type === 'fail') return { ...effect, stdout: '', timedOut: false };
    const blocked = effect?.type === 'hang' || effect?.type === 'stuck';
    const child = new ChildProcess(
      {
        machine: this.machine,
        argv,
        input: command.input,
        onStage: (stages) => this.#afterStage(effect, stages, child),
      },
      blocked ? never : program,
    );
    session.children.add(child);
    let timedOut = false;
    const kill = (): void => {
      if (effect?.type !== 'stuck') child.kill();
    };
    const cancelTimeout =
      command.timeoutMilliseconds === undefined
        ? undefined
        : this.machine.runtime.clock.schedule(command.timeoutMilliseconds, () => {
            timedOut = true;
            kill();
          });
    if (signal?.aborted) kill();
    signal?.addEventListener('abort', kill, { once: true });
    const exitCode = await child.finished;
    cancelTimeout?.();
    signal?.removeEventListener('abort', kill);
    session.children.delete(child);
    return { exitCode, stdout: child.stdout, stderr: child.stderr, timedOut };
  }

  #afterStage(effect: FaultEffect | undefined, stages: number, child: ChildProcess): void {
    if (effect?.type === 'kill-child' && stages === effect.afterStages) child.kill();
    const dies = effect?.type === 'lose-agent' && effect.moment === 'during';
    if (dies && stages === (effect.afterStages ?? 1)) void this.#lose();
  }
}

interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
}

function applyToResult(outcome: Outcome, effect: FaultEffect | undefined): Outcome {
  if (effect?.type === 'fail-after-doing')
    return { ...outcome, exitCode: effect.exitCode, stderr: outcome.stderr + effect.stderr };
  if (effect?.type === 'truncate-output')
    return { ...outcome, stdout: outcome.stdout.slice(0, effect.bytes) };
  return outcome;
}
