// iscsiadm: discovery, node records, login and logout, with open-iscsi's exit codes.

import { SimulatedDisk } from '../disk.ts';
import type { Machine } from '../machine.ts';
import type { IscsiTarget } from '../network.ts';
import { type Program, type ProgramCall, parseArguments } from './program.ts';

const NO_RECORDS = 21;
const SESSION_EXISTS = 15;
const LOGIN_REFUSED = 24;
const CONNECTION_FAILED = 11;

interface NodeRecord {
  readonly target: IscsiTarget;
  readonly settings: Map<string, string>;
  session?: { id: number; disks: SimulatedDisk[] };
}

/** Records survive in the machine's root filesystem on a real host; here they live as long as it. */
const recordsByMachine = new WeakMap<Machine, Map<string, NodeRecord>>();

function recordsOf(machine: Machine): Map<string, NodeRecord> {
  let records = recordsByMachine.get(machine);
  if (!records) {
    records = new Map();
    recordsByMachine.set(machine, records);
  }
  return records;
}

export const iscsiadm: Program = async (call) => {
  if (call.arguments.includes('--version')) {
    call.out('iscsiadm version 2.1.8\n');
    return 0;
  }
  const taking = ['-m', '-t', '-p', '-T', '-o', '-n', '-v', '--mode', '--value'];
  const parsed = parseArguments(call.arguments, taking);
  const mode = parsed.values.get('-m') ?? parsed.values.get('--mode');
  await call.work(50);
  if (mode === 'discovery') return discover(call, parsed.values.get('-p') ?? '');
  if (mode === 'session') return listSessions(call);
  if (mode !== 'node') return 7;
  const name = parsed.values.get('-T') ?? '';
  const records = recordsOf(call.machine);
  if (parsed.values.get('-o') === 'new') return addRecord(call, name);
  const record = records.get(name);
  if (!record) {
    call.err('iscsiadm: No records found\n');
    return NO_RECORDS;
  }
  if (parsed.values.get('-o') === 'update') {
    const value = parsed.values.get('-v') ?? parsed.values.get('--value') ?? '';
    record.settings.set(parsed.values.get('-n') ?? '', value);
    return 0;
  }
  if (parsed.values.get('-o') === 'delete') {
    records.delete(name);
    return 0;
  }
  if (parsed.flags.has('--login')) return login(call, record);
  return parsed.flags.has('--logout') ? logout(call, record) : 0;
};

function discover(call: ProgramCall, portal: string): number {
  const targets = call.machine.network.iscsiTargets.filter((target) => target.portal === portal);
  if (targets.length === 0) {
    call.err('iscsiadm: connection login retries (reopen_max) 5 exceeded\n');
    return CONNECTION_FAILED;
  }
  for (const { name } of targets) call.out(`${portal},1 ${name}\n`);
  return 0;
}

function addRecord(call: ProgramCall, name: string): number {
  const target = call.machine.network.iscsiTargets.find((one) => one.name === name);
  if (!target) return NO_RECORDS;
  recordsOf(call.machine).set(name, { target, settings: new Map() });
  return 0;
}

function listSessions(call: ProgramCall): number {
  const active = [...recordsOf(call.machine).values()].filter(({ session }) => session);
  if (active.length === 0) {
    call.err('iscsiadm: No active sessions.\n');
    return NO_RECORDS;
  }
  for (const { target, session } of active)
    call.out(`tcp: [${session?.id}] ${target.portal},1 ${target.name} (non-flash)\n`);
  return 0;
}

async function login(call: ProgramCall, record: NodeRecord): Promise<number> {
  if (record.session) {
    call.err('iscsiadm: default: 1 session requested, but 1 already present.\n');
    return SESSION_EXISTS;
  }
  const { chap, logicalUnits, portal, name } = record.target;
  const setting = (key: string): string => record.settings.get(`node.session.auth.${key}`) ?? '';
  if (chap && (setting('username') !== chap.username || setting('password') !== chap.password)) {
    call.err(
      `iscsiadm: Could not login to [iface: default, target: ${name}, portal: ${portal}].\n`,
    );
    call.err('iscsiadm: initiator reported error (24 - iSCSI login failed due to authorization)\n');
    return LOGIN_REFUSED;
  }
  await call.work(300);
  const disks = logicalUnits.map(
    ({ sizeBytes, serial }) =>
      new SimulatedDisk({ sizeBytes, serial, transport: 'scsi', model: 'VIRTUAL-DISK' }),
  );
  for (const disk of disks) call.machine.blocks.addDisk(disk);
  record.session = { id: recordsOf(call.machine).size, disks };
  call.out(`Login to [iface: default, target: ${name}, portal: ${portal}] successful.\n`);
  return 0;
}

async function logout(call: ProgramCall, record: NodeRecord): Promise<number> {
  if (!record.session) {
    call.err('iscsiadm: No matching sessions found\n');
    return NO_RECORDS;
  }
  await call.work(200);
  for (const disk of record.session.disks) call.machine.blocks.removeDisk(disk);
  delete record.session;
  return 0;
}
