// At which logical unit Azure attached which disk, by the links that udev makes on Azure's machines: those
// of walinuxagent (SCSI) and those of azure-vm-utils (SCSI and NVMe). Elsewhere there are none. Not every
// image has the latter; remote NVMe disks are told by the number of their namespace as well.
import type { DeviceFacts } from '../../plan/disks.ts';
import { probe } from '../command-runner.ts';
import type { HostPort } from '../host-port.ts';

const DIRECTORIES = ['/dev/disk/azure/scsi1', '/dev/disk/azure/data/by-lun'];
/** `lun3` or `3`; links to partitions have more behind. */
const LINK = /^(?:lun)?(\d{1,2})$/;

/** By the path of the device, such as `/dev/sdc`. */
export async function readAzureLuns(host: HostPort): Promise<ReadonlyMap<string, number>> {
  const links: { path: string; lun: number }[] = [];
  for (const directory of DIRECTORIES)
    for (const name of (await host.listDirectory(directory)) ?? []) {
      const lun = LINK.exec(name)?.[1];
      if (lun !== undefined) links.push({ path: `${directory}/${name}`, lun: Number(lun) });
    }
  if (links.length === 0) return new Map();
  const { exitCode, stdout } = await probe(
    host,
    'readlink',
    '-f',
    ...links.map(({ path }) => path),
  );
  const targets = stdout.trimEnd().split('\n');
  // One line per link, or it isn't known which line belongs to which.
  if (exitCode !== 0 || targets.length !== links.length) return new Map();
  return new Map(links.map(({ lun }, index) => [targets[index]!, lun]));
}

/** The controller that all remote disks of a machine are namespaces of. */
const REMOTE_NVME = /^MSFT NVMe Accelerator/;
/** Namespace 1 is the disk of the operating system, 2 is logical unit 0. */
const FIRST_DATA_NAMESPACE = 2;

/** Where there are no links. */
export function azureLunOf({ model, namespaceId }: DeviceFacts): number | undefined {
  if (!REMOTE_NVME.test(model ?? '') || namespaceId === undefined) return undefined;
  return namespaceId < FIRST_DATA_NAMESPACE ? undefined : namespaceId - FIRST_DATA_NAMESPACE;
}
