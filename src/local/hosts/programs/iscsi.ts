// iscsiadm: discovery, node records, login and logout, with open-iscsi's exit codes. Records stay on the
// machine's disk; sessions end with its boot.
import { SimulatedDisk } from '../disk.ts';
import type { Machine } from '../machine.ts';
import type { IscsiTarget } from '../network.ts';
import { printSessions } from './iscsi-report.ts';
import { type Program, type ProgramCall, parseArguments } from './program.ts';

const NO_RECORDS = 21;
const SESSION_EXISTS = 15;
const LOGIN_REFUSED = 24;
const CONNECTION_FAILED = 11;
const CONNECTION_TIMED_OUT = 8;
const NOT_RETRIED = 19;
const NO_DAEMON = 20;

export interface IscsiSession {
  readonly id: number;
  readonly bootId: number;
  readonly disks: Map<number, SimulatedDisk>;
}

export interface NodeRecord {
  readonly name: string;
  readonly portal: string;
  readonly settings: Map<string, string>;
  session?: IscsiSession;
}

const recordsByMachine = new WeakMap<Machine, Map<string, NodeRecord>>();

/** What the machine's record database holds, for tests as well. */
export function recordsOf(machine: Machine): Map<string, NodeRecord> {
  let records = recordsByMachine.get(machine);
  if (!records) {
    records = new Map();
    recordsByMachine.set(machine, records);
  }
  for (const record of records.values())
    if (record.session && record.session.bootId !== machine.bootId) delete record.session;
  return records;
}

const targetOf = (machine: Machine, { name, portal }: NodeRecord): IscsiTarget | undefined =>
  machine.network.iscsiTargets.find((one) => one.name === name && one.portal === portal);

export const iscsiadm: Program = async (call) => {
  if (call.arguments.includes('--version')) {
    call.out('iscsiadm version 2.1.8\n');
    return 0;
  }
  const taking = ['-m', '-t', '-p', '-T', '-o', '-n', '-v', '-P', '-r', '--mode', '--value'];
  const { flags, values } = parseArguments(call.arguments, taking);
  const mode = values.get('-m') ?? values.get('--mode');
  await call.work(50);
  if (call.machine.missingPrograms.has('iscsid') && flags.size > 0) {
    call.err('iscsiadm: can not connect to iSCSI daemon (111)!\n');
    return NO_DAEMON;
  }
  if (mode === 'discovery') return discover(call, values.get('-p') ?? '');
  const id = values.get('-r');
  if (mode === 'session' && id !== undefined) return onSession(call, Number(id), flags);
  if (mode === 'session') return listSessions(call, values.get('-P') === '3');
  return mode === 'node' ? onNode(call, flags, values) : 7;
};

function onSession(
  call: ProgramCall,
  id: number,
  flags: ReadonlySet<string>,
): Promise<number> | number {
  const record = [...recordsOf(call.machine).values()].find(({ session }) => session?.id === id);
  if (!record) {
    call.err(`iscsiadm: invalid session specified: ${id}\n`);
    return NO_RECORDS;
  }
  return flags.has('--logout') ? logout(call, record) : rescan(call, record);
}

async function onNode(
  call: ProgramCall,
  flags: ReadonlySet<string>,
  values: ReadonlyMap<string, string>,
): Promise<number> {
  const name = values.get('-T') ?? '';
  const records = recordsOf(call.machine);
  const operation = values.get('-o');
  if (operation === 'new') {
    const portal = values.get('-p') ?? '';
    const known = records.get(name);
    records.set(name, { ...known, name, portal, settings: known?.settings ?? new Map() });
    call.out(
      `New iSCSI node [tcp:[hw=,ip=,net_if=,iscsi_if=default] ${portal},-1 ${name}] added\n`,
    );
    return 0;
  }
  const record = records.get(name);
  if (!record) {
    call.err('iscsiadm: No records found\n');
    return NO_RECORDS;
  }
  if (operation === 'update') {
    record.settings.set(values.get('-n') ?? '', values.get('-v') ?? values.get('--value') ?? '');
    return 0;
  }
  if (operation === 'delete') {
    records.delete(name);
    return 0;
  }
  if (flags.has('--login')) return login(call, record);
  if (flags.has('--rescan')) return rescan(call, record);
  if (flags.has('--logout')) return logout(call, record);
  call.out(`# BEGIN RECORD 2.1.8\nnode.name = ${name}\nnode.startup = manual\n# END RECORD\n`);
  return 0;
}

async function refused(call: ProgramCall, portal: string, state: string): Promise<number> {
  const address = portal.slice(0, portal.lastIndexOf(':'));
  if (state === 'hung') {
    await call.work(15_000);
    call.err(`iscsiadm: connect to ${address} timed out\n`);
    return CONNECTION_TIMED_OUT;
  }
  await call.work(5000);
  const why = state === 'unreachable' ? 'No route to host' : 'Connection refused';
  call.err(`iscsiadm: cannot make connection to ${address}: ${why}\n`);
  call.err('iscsiadm: connection login retries (reopen_max) 5 exceeded\n');
  return CONNECTION_FAILED;
}

async function discover(call: ProgramCall, portal: string): Promise<number> {
  const targets = call.machine.network.iscsiTargets.filter((target) => target.portal === portal);
  const [first] = targets;
  if (first?.state !== 'up') return refused(call, portal, first?.state ?? 'refused');
  for (const { name } of targets) call.out(`${portal},1 ${name}\n`);
  return 0;
}

function listSessions(call: ProgramCall, isLong: boolean): number {
  const { machine } = call;
  const active = [...recordsOf(machine).values()].filter(({ session }) => session);
  if (active.length === 0) {
    call.err('iscsiadm: No active sessions.\n');
    return NO_RECORDS;
  }
  if (isLong) {
    call.out(printSessions(machine, active, (record) => targetOf(machine, record)));
    return 0;
  }
  for (const { name, portal, session } of active)
    call.out(`tcp: [${session?.id}] ${portal},1 ${name} (non-flash)\n`);
  return 0;
}

async function login(call: ProgramCall, record: NodeRecord): Promise<number> {
  if (record.session) {
    call.err('iscsiadm: default: 1 session requested, but 1 already present.\n');
    return SESSION_EXISTS;
  }
  const { name, portal } = record;
  const target = targetOf(call.machine, record);
  const where = `[iface: default, target: ${name}, portal: ${portal.replace(/:(\d+)$/, ',$1')}]`;
  if (target && target.state !== 'up') return refused(call, portal, target.state);
  const isWrong = target && !accepts(target, record);
  if (!target || isWrong || !provesItself(target, record)) {
    const code = isWrong ? LOGIN_REFUSED : NOT_RETRIED;
    const why = isWrong
      ? 'iSCSI login failed due to authorization failure'
      : 'encountered non-retryable iSCSI login failure';
    call.err(`iscsiadm: Could not login to ${where}.\n`);
    call.err(`iscsiadm: initiator reported error (${code} - ${why})\n`);
    call.err('iscsiadm: Could not log into all portals\n');
    return code;
  }
  await call.work(300);
  const { machine } = call;
  const id = machine.bootId * 100 + recordsOf(machine).size;
  record.session = { id, bootId: machine.bootId, disks: new Map() };
  target.initiators.add(machine.hostName);
  attach(machine, record.session, target);
  call.out(`Logging in to ${where}\nLogin to ${where} successful.\n`);
  return 0;
}

function accepts({ chap }: IscsiTarget, { settings }: NodeRecord): boolean {
  const setting = (key: string): string => settings.get(`node.session.auth.${key}`) ?? '';
  if (!chap) return true;
  return setting('username') === chap.username && setting('password') === chap.password;
}

/** The initiator itself ends a login in which the target's proof is not the expected one. */
function provesItself({ chap }: IscsiTarget, { settings }: NodeRecord): boolean {
  const setting = (key: string): string => settings.get(`node.session.auth.${key}`) ?? '';
  if (!chap || setting('password_in') === '') return true;
  const { mutual } = chap;
  return setting('username_in') === mutual?.username && setting('password_in') === mutual.password;
}

/** The kernel makes a disk for every unit that it does not know yet. */
function attach(machine: Machine, { disks }: IscsiSession, target: IscsiTarget): void {
  for (const { number, serial, wwn, bytes } of target.logicalUnits) {
    if (disks.has(number)) continue;
    const disk = new SimulatedDisk(
      {
        sizeBytes: bytes.sizeBytes,
        serial,
        ...(wwn !== undefined && { wwn }),
        transport: 'iscsi',
        model: 'VIRTUAL-DISK',
      },
      bytes,
    );
    disk.isSilent = () => target.state !== 'up';
    disks.set(number, disk);
    machine.blocks.addDisk(disk);
  }
}

async function rescan(call: ProgramCall, record: NodeRecord): Promise<number> {
  const target = targetOf(call.machine, record);
  if (!record.session || !target) {
    call.err('iscsiadm: No session found.\n');
    return NO_RECORDS;
  }
  await call.work(100);
  attach(call.machine, record.session, target);
  return 0;
}

async function logout(call: ProgramCall, record: NodeRecord): Promise<number> {
  if (!record.session) {
    call.err('iscsiadm: No matching sessions found\n');
    return NO_RECORDS;
  }
  await call.work(200);
  for (const disk of record.session.disks.values()) call.machine.blocks.removeDisk(disk);
  targetOf(call.machine, record)?.initiators.delete(call.machine.hostName);
  delete record.session;
  call.out(`Logout of [sid: 1, target: ${record.name}, portal: ${record.portal}] successful.\n`);
  return 0;
}
