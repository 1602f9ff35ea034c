// A machine of the tests: a real Linux kernel (user-mode Linux, so no virtualisation is needed) with
// real md, NFS, iSCSI and SCSI disks of chosen serials. Its root is this machine's root; what it
// writes there is lost with it. Its disks stay, so that it can be booted again after a power cut.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { eventually } from '../../builders/eventually.ts';
import { type Answer, askMachine } from './exec.ts';

const here = fileURLToPath(new URL('.', import.meta.url));
const MEBIBYTE = 1024 * 1024;
const BOOT_SECONDS = 120;

/** Nothing of a machine outlives the tests, however those end. */
const dyingWithUs = ['--pdeathsig', 'KILL'];

/** The serial of the small disk that keeps the agent's own directory over a power cut. */
const HOME_DISK = 'home-0000';

export interface DiskOptions {
  readonly serial: string;
  readonly sizeMebibytes?: number;
  /** Name of its image; needed where two disks are to have one serial. Default: the serial. */
  readonly image?: string;
}

export interface MachineOptions {
  readonly name?: string;
  /** A disk's world wide name is made of the hexadecimal digits in its serial: let those differ. */
  readonly disks?: readonly DiskOptions[];
  readonly memoryMebibytes?: number;
  /** Debian packages that the machine needs besides the usual ones. */
  readonly packages?: readonly string[];
  /** Whether udev puts arrays together at boot, as on a node with mdadm's rules. Default true. */
  readonly assemblesArrays?: boolean;
}

export interface ScriptResult extends Answer {
  /** Both outputs, for messages. */
  readonly output: string;
}

export class Machine {
  /** On this machine; the guest sees it as `/run/vm/state`. Images and whatever is exchanged. */
  readonly directory = mkdtempSync(join(tmpdir(), 'poolkeeper-host-test-'));
  readonly #options: MachineOptions;
  #children: ChildProcess[] = [];
  #kernel: ChildProcess | undefined;
  #port = 0;
  #token = '';

  private constructor(options: MachineOptions) {
    this.#options = options;
  }

  /** Boots a machine; rejects, saying why, where that can't be done. */
  static async boot(options: MachineOptions = {}): Promise<Machine> {
    const machine = new Machine(options);
    for (const { serial, image = serial, sizeMebibytes = 64 } of machine.#disks()) {
      const path = join(machine.directory, `${image}.img`);
      writeFileSync(path, '');
      truncateSync(path, sizeMebibytes * MEBIBYTE);
    }
    await machine.boot();
    return machine;
  }

  #disks(): readonly DiskOptions[] {
    return [...(this.#options.disks ?? []), { serial: HOME_DISK, sizeMebibytes: 64 }];
  }

  /** Boots it again with the same disks. */
  async boot(): Promise<void> {
    const cache = await prepare(this.#options.packages ?? []);
    const lines = this.#disks().map(
      ({ serial, image = serial, sizeMebibytes = 64 }) =>
        `${image} ${serial} ${sizeMebibytes * MEBIBYTE} 1`,
    );
    writeFileSync(join(this.directory, 'disks'), `${lines.join('\n')}\n`);
    this.#token = randomBytes(16).toString('hex');
    const network = await this.#startNetwork();
    this.#startKernel(cache, network);
    const log = this.#consoleLog();
    await eventually(
      'the test machine boots',
      () => {
        if (this.#kernel === undefined)
          throw new Error(`The test machine died:\n${this.console()}`);
        return readFileSync(log, 'utf8').includes('test machine: ready');
      },
      { withinSeconds: BOOT_SECONDS, because: () => this.console() },
    );
    // What forwards the port accepts before the machine listens.
    await eventually('the test machine answers', () => this.run('echo yes').catch(() => false));
  }

  /** qemu without a machine: its user-mode network on one side, the kernel's frames in UDP on the other. */
  async #startNetwork(): Promise<{ own: number; theirs: number }> {
    this.#port = await freeTcpPort();
    const own = await freeUdpPort();
    const theirs = await freeUdpPort();
    const forward = `hostfwd=tcp:127.0.0.1:${this.#port}-10.0.2.15:5555`;
    const netdevs = [
      `user,id=n0,ipv6=off,${forward}`,
      'hubport,id=h0,hubid=0,netdev=n0',
      `socket,id=s,udp=127.0.0.1:${theirs},localaddr=127.0.0.1:${own}`,
      'hubport,id=h1,hubid=0,netdev=s',
    ].flatMap((netdev) => ['-netdev', netdev]);
    const argv = ['-M', 'none', '-display', 'none', '-nodefaults', ...netdevs];
    this.#children.push(
      spawn('setpriv', [...dyingWithUs, 'qemu-system-x86_64', ...argv], { stdio: 'ignore' }),
    );
    return { own, theirs };
  }

  #startKernel(cache: string, network: { own: number; theirs: number }): void {
    const settings = {
      init: join(here, 'init.sh'),
      modules: join(cache, 'modules'),
      state: this.directory,
      name: this.#options.name ?? 'node-1',
      token: this.#token,
      home: HOME_DISK,
      assembles: this.#options.assemblesArrays === false ? 0 : 1,
    };
    const argv = [
      join(cache, 'kernel'),
      `mem=${this.#options.memoryMebibytes ?? 1024}M`,
      `initrd=${join(cache, 'initrd')}`,
      'quiet',
      `uml_dir=${this.directory}/`,
      'umid=uml',
      'con0=null,fd:1',
      'con=null',
      'ssl=null',
      `eth0=ucast,52:54:00:12:34:56,127.0.0.1,${network.theirs},${network.own}`,
      ...Object.entries(settings).map(([name, value]) => `vm.${name}=${value}`),
    ];
    // A process namespace of its own, so that the traced processes end with it; the kernel isn't its
    // process 1, which could not abort.
    const alone = [...dyingWithUs, 'unshare', '--fork', '--pid', '--mount-proc', '--kill-child'];
    rmSync(join(this.directory, 'uml'), { recursive: true, force: true });
    writeFileSync(this.#consoleLog(), '');
    const log = openSync(this.#consoleLog(), 'a');
    const kernel = spawn('setpriv', [...alone, 'sh', '-c', '"$@"; exit $?', 'sh', ...argv], {
      stdio: ['ignore', log, log],
      env: { ...process.env, TMPDIR: existsSync('/dev/shm') ? '/dev/shm' : tmpdir() },
    });
    closeSync(log);
    kernel.once('exit', () => {
      if (this.#kernel === kernel) this.#kernel = undefined;
    });
    this.#kernel = kernel;
  }

  #consoleLog(): string {
    return join(this.directory, 'console.log');
  }

  /** The end of what its kernel said. */
  console(): string {
    return readFileSync(this.#consoleLog(), 'utf8').split('\n').slice(-40).join('\n');
  }

  get isRunning(): boolean {
    return this.#kernel !== undefined;
  }

  /** Runs a bash script as root, whatever its exit status. */
  async try(script: string): Promise<ScriptResult> {
    const answer = await askMachine(this.#port, this.#token, script).catch((cause: unknown) => {
      throw new Error(`The test machine gave no answer to: ${script}\n${this.console()}`, {
        cause,
      });
    });
    return { ...answer, output: `${answer.stdout}${answer.stderr}` };
  }

  /** Runs a bash script that must succeed; resolves with what it printed. */
  async run(script: string): Promise<string> {
    const { status, stdout, output } = await this.try(script);
    if (status === 0) return stdout;
    throw new Error(`exit status ${status} of: ${script}\n${output}`);
  }

  /** What happens to a disk: see disk.sh. */
  async disk(what: 'unplug' | 'plug' | 'offline' | 'online', image: string): Promise<void> {
    await this.run(`${join(here, 'disk.sh')} ${what} ${image}`);
  }

  /** Pulls the plug: nothing is written out, nothing is told. */
  async cutPower(): Promise<void> {
    await this.#end();
  }

  /** Waits until the machine, whose power something in it cuts, is gone. */
  async whenDown(): Promise<void> {
    await eventually('the machine goes down', () => !this.isRunning, { withinSeconds: 120 });
    await this.#end();
  }

  async #end(): Promise<void> {
    const children = [...this.#children, ...(this.#kernel ? [this.#kernel] : [])];
    this.#children = [];
    await Promise.all(children.map(killed));
    this.#kernel = undefined;
  }

  /** Ends it and removes its disks. */
  async close(): Promise<void> {
    await this.#end();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill('SIGKILL');
  });
}

/** Installs and unpacks what machines need; quick when that was done before. */
async function prepare(packages: readonly string[]): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(join(here, 'prepare.sh'), [...packages]);
    return stdout.trim();
  } catch (error) {
    const { stderr } = error as { stderr?: string };
    throw new Error(`The tests on a real kernel can't run here:\n${stderr ?? error}`);
  }
}

async function freeTcpPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return port;
}

async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => {
    socket.bind(0, '127.0.0.1', resolve);
  });
  const { port } = socket.address();
  await new Promise<void>((resolve) => {
    socket.close(resolve);
  });
  return port;
}
