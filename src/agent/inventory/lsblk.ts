// The node's block devices as lsblk shows them, one record per whole disk. Nothing is read from
// the disks here.
import type { DeviceFacts } from '../../plan/disks.ts';
import { PoolkeeperError } from '../../runtime/errors.ts';
import { probe } from '../command-runner.ts';
import type { HostPort } from '../host-port.ts';
import { azureLunOf, readAzureLuns } from './azure-luns.ts';

const COLUMNS =
  'NAME,KNAME,PATH,TYPE,SIZE,SERIAL,WWN,MODEL,FSTYPE,PTTYPE,RO,RM,ROTA,TRAN,MOUNTPOINTS,MAJ:MIN';

interface Row {
  readonly name: string;
  readonly kname: string;
  readonly path: string;
  readonly type: string;
  readonly size: number;
  readonly serial: string | null;
  readonly wwn: string | null;
  readonly model: string | null;
  readonly fstype: string | null;
  readonly ro: boolean;
  readonly rm: boolean;
  readonly rota: boolean;
  readonly tran: string | null;
  readonly mountpoints: readonly (string | null)[];
  readonly 'maj:min': string;
  readonly children?: readonly Row[];
}

/** What lsblk knows; `filesystemHint` comes from udev and may be out of date. */
export interface ListedDevice extends DeviceFacts {
  readonly filesystemHint: string | undefined;
  readonly isRemovable: boolean;
  /** `major:minor` of the disk and of everything on it. */
  readonly deviceNumbers: readonly string[];
}

/** Throws when lsblk fails: no disks and "don't know" must not look the same. */
export async function listDevices(host: HostPort): Promise<ListedDevice[]> {
  // The udev database must have caught up with what was done last.
  await probe(host, 'udevadm', 'settle', '--timeout=10');
  const result = await probe(host, 'lsblk', '-J', '-b', '-p', '-o', COLUMNS);
  const luns = await readAzureLuns(host);
  const devices: ListedDevice[] = [];
  for (const row of parse(result.stdout, result.exitCode)) {
    if (row.type !== 'disk' || IN_MEMORY.test(row.kname)) continue;
    const device = await toDevice(host, row);
    // Where udev makes links they tell of every disk, and what has none is at no logical unit.
    const azureLun = luns.size > 0 ? luns.get(row.path) : azureLunOf(device);
    devices.push(azureLun === undefined ? device : { ...device, azureLun });
  }
  return devices;
}

/** What lsblk calls a disk and is none: compressed swap, RAM disks, floppy drives. */
const IN_MEMORY = /^\/dev\/(?:zram|ram|fd)\d/;

function parse(stdout: string, exitCode: number): readonly Row[] {
  try {
    if (exitCode !== 0) throw new Error(`exit code ${exitCode}`);
    return (JSON.parse(stdout) as { blockdevices: readonly Row[] }).blockdevices;
  } catch (cause) {
    throw new PoolkeeperError('CommandFailed', `lsblk gave no usable answer: ${cause}`, { cause });
  }
}

async function toDevice(host: HostPort, row: Row): Promise<ListedDevice> {
  const kernelName = row.kname.replace('/dev/', '');
  const below = (row.children ?? []).flatMap(flatten);
  const namespaceId = await readNamespaceId(host, kernelName);
  const optional = {
    serial: row.serial?.trim() || undefined,
    wwn: toWwn(row.wwn),
    model: row.model?.trim() || undefined,
    transport: row.tran ?? undefined,
    namespaceId,
  };
  return {
    path: row.path,
    kernelName,
    type: row.type,
    sizeBytes: Number(row.size),
    isReadOnly: row.ro,
    isRemovable: row.rm,
    isRotational: row.rota,
    children: below.map(({ path, type }) => ({ path, type })),
    holders: (await host.listDirectory(`/sys/block/${kernelName}/holders`)) ?? [],
    mountPoints: [row, ...below].flatMap(({ mountpoints }) => mountpoints.filter((one) => !!one)),
    filesystemHint: row.fstype ?? undefined,
    deviceNumbers: [row, ...below].map((one) => one['maj:min']),
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)),
  } as ListedDevice;
}

/** Some firmware reports a world wide name of zeros: that names nothing. */
function toWwn(reported: string | null): string | undefined {
  const wwn = reported?.trim() || undefined;
  const digits = wwn?.replace(/^(?:0x|eui\.|naa\.|nguid\.|uuid\.)/i, '');
  return digits === undefined || /^[0-]*$/.test(digits) ? undefined : wwn;
}

function flatten(row: Row): Row[] {
  return [row, ...(row.children ?? []).flatMap(flatten)];
}

/** NVMe namespaces of one controller share its serial; only their number tells them apart. */
async function readNamespaceId(host: HostPort, kernelName: string): Promise<number | undefined> {
  if (!kernelName.startsWith('nvme')) return undefined;
  const text = await host.readFile(`/sys/block/${kernelName}/nsid`);
  return text === undefined ? undefined : Number(text.trim());
}
