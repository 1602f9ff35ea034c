// What is on a device, by every means at once: signature tools, mdadm, and direct reads of both ends
// and of places between. Tools alone can't be believed: to them an unreadable disk is as blank as a blank one.
import {
  type DeviceContents,
  type DeviceFacts,
  probedRegions,
  type Region,
} from '../../plan/disks.ts';
import { normalUuid } from '../../plan/node-mount-identity.ts';
import { probe } from '../command-runner.ts';
import type { HostPort } from '../host-port.ts';

const BLKID_NOTHING = 2;
const BLKID_AMBIVALENT = 8;

export async function readContents(host: HostPort, device: DeviceFacts): Promise<DeviceContents> {
  if (device.holders.some((name) => name.startsWith('md'))) {
    // A member that the kernel is using is told by its superblock. Nobody may write to it anyway; to
    // probe it further at every look would cost a node with many disks many processes.
    const superblock = await readSuperblock(host, device.path, true);
    const types = ['linux_raid_member'];
    if (superblock.type === 'member')
      return { signatures: 'found', types, superblock, ends: 'busy' };
  }
  const isUsed = device.holders.length > 0 || device.mountPoints.length > 0;
  const blkid = await readBlkid(host, device.path);
  const wipefs = await readWipefs(host, device.path);
  const types = [...new Set([...blkid.types, ...wipefs.types])];
  const hasFound = blkid.outcome === 'found' || wipefs.outcome === 'found';
  const hasFailed = blkid.outcome === 'failed' || wipefs.outcome === 'failed';
  const superblock = await readSuperblock(host, device.path, hasFound);
  const signatures =
    blkid.outcome === 'ambivalent'
      ? 'ambivalent'
      : hasFailed
        ? 'failed'
        : hasFound
          ? 'found'
          : 'none';
  return {
    signatures,
    types,
    superblock,
    ...(isUsed ? { ends: 'busy' } : await readRegions(host, device)),
  };
}

/** The keys of `blkid -o export` and `mdadm --export`. */
export function parseExport(text: string): ReadonlyMap<string, string> {
  const pairs = text.split('\n').filter((line) => line.includes('='));
  return new Map(
    pairs.map((line) => {
      const split = line.indexOf('=');
      return [line.slice(0, split), line.slice(split + 1)];
    }),
  );
}

async function readBlkid(
  host: HostPort,
  path: string,
): Promise<{ outcome: 'none' | 'found' | 'ambivalent' | 'failed'; types: string[] }> {
  const { exitCode, stdout } = await probe(host, 'blkid', '-p', '-o', 'export', path);
  if (exitCode === BLKID_NOTHING) return { outcome: 'none', types: [] };
  if (exitCode === BLKID_AMBIVALENT) return { outcome: 'ambivalent', types: [] };
  if (exitCode !== 0) return { outcome: 'failed', types: [] };
  const values = parseExport(stdout);
  const types = [values.get('TYPE'), values.get('PTTYPE')].filter((one) => one !== undefined);
  return { outcome: 'found', types };
}

async function readWipefs(
  host: HostPort,
  path: string,
): Promise<{ outcome: 'none' | 'found' | 'failed'; types: string[] }> {
  const { exitCode, stdout } = await probe(host, 'wipefs', '-n', '-J', path);
  if (exitCode !== 0) return { outcome: 'failed', types: [] };
  // Some versions print nothing at all where there is nothing.
  if (stdout.trim() === '') return { outcome: 'none', types: [] };
  try {
    const { signatures } = JSON.parse(stdout) as { signatures: { type: string }[] };
    const types = signatures.map(({ type }) => type);
    return { outcome: types.length > 0 ? 'found' : 'none', types };
  } catch {
    return { outcome: 'failed', types: [] };
  }
}

async function readSuperblock(
  host: HostPort,
  path: string,
  hasSignature: boolean,
): Promise<DeviceContents['superblock']> {
  const { exitCode, stdout, stderr } = await probe(host, 'mdadm', '--examine', '--export', path);
  const values = parseExport(stdout);
  const uuid = values.get('MD_UUID');
  if (exitCode === 0 && uuid !== undefined)
    return {
      type: 'member',
      arrayUuid: normalUuid(uuid),
      name: values.get('MD_NAME') ?? '',
      raidDisks: Number.parseInt(values.get('MD_DEVICES') ?? '', 10) || undefined,
    };
  if (/No md superblock detected/.test(stderr)) return { type: 'none' };
  // On a partitioned disk it tells of the table instead; that disk is refused for its table.
  return { type: exitCode === 0 && hasSignature ? 'none' : 'failed' };
}

/** Reads up to the first thing that isn't zero: what is more doesn't matter then. */
async function readRegions(
  host: HostPort,
  device: DeviceFacts,
): Promise<Pick<DeviceContents, 'ends' | 'unreadableAtBytes'>> {
  for (const region of probedRegions(device.sizeBytes)) {
    const read = await readRegion(host, device.path, region);
    if (read.ends !== 'zero') return read;
  }
  return { ends: 'zero' };
}

export async function readRegion(
  host: HostPort,
  path: string,
  { offsetBytes, lengthBytes }: Region,
): Promise<Pick<DeviceContents, 'ends' | 'unreadableAtBytes'>> {
  try {
    return { ends: (await host.isZero(path, offsetBytes, lengthBytes)) ? 'zero' : 'data' };
  } catch (error) {
    const { code, failedAtBytes = offsetBytes } = error as {
      code?: string;
      failedAtBytes?: number;
    };
    if (code === 'EBUSY') return { ends: 'busy' };
    return { ends: 'unreadable', unreadableAtBytes: failedAtBytes };
  }
}
