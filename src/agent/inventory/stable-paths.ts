// The link under /dev/disk/by-id by which a disk is found after any boot: of those that udev made, the
// one that tells most surely which disk it is.
import { probe } from '../command-runner.ts';
import type { HostPort } from '../host-port.ts';
import type { ListedDevice } from './lsblk.ts';

const DIRECTORY = '/dev/disk/by-id';
/** Of partitions, and of what is stacked on disks. */
const NOT_OF_DISKS = /-part\d+$|^(?:md|dm|lvm)-/;
/** By what names the disk itself, in all the world. */
const SUREST = [/^wwn-/, /^nvme-(?:eui|nguid|uuid|nvme)\./];

export class StablePaths {
  readonly #host: HostPort;
  #seen = '';
  #paths: ReadonlyMap<string, string> = new Map();

  constructor(host: HostPort) {
    this.#host = host;
  }

  /**
   * By the path of the device, such as `/dev/sdc`. Links are followed anew only when there are others, or
   * other disks, than at the last look.
   */
  async of(devices: readonly ListedDevice[]): Promise<ReadonlyMap<string, string>> {
    const all = (await this.#host.listDirectory(DIRECTORY)) ?? [];
    const names = all.filter((name) => !NOT_OF_DISKS.test(name)).sort();
    const disks = devices.map(({ path, serial, wwn }) => [path, serial, wwn]);
    const seen = JSON.stringify([names, disks]);
    if (seen === this.#seen) return this.#paths;
    const found = await this.#follow(names, devices);
    if (!found) return new Map();
    this.#seen = seen;
    this.#paths = found;
    return found;
  }

  async #follow(
    names: readonly string[],
    devices: readonly ListedDevice[],
  ): Promise<ReadonlyMap<string, string> | undefined> {
    if (names.length === 0) return new Map();
    const links = names.map((name) => `${DIRECTORY}/${name}`);
    const { exitCode, stdout } = await probe(this.#host, 'readlink', '-f', ...links);
    const targets = stdout.trimEnd().split('\n');
    // One line per link, or it isn't known which line belongs to which.
    if (exitCode !== 0 || targets.length !== links.length) return undefined;
    const best = new Map<string, string>();
    for (const [index, name] of names.entries()) {
      const device = devices.find(({ path }) => path === targets[index]);
      if (!device || (rankOf(name) === SUREST.length && isSharedSerial(device, devices))) continue;
      const before = best.get(device.path);
      if (before === undefined || rankOf(name) < rankOf(before)) best.set(device.path, name);
    }
    return new Map([...best].map(([path, name]) => [path, `${DIRECTORY}/${name}`]));
  }
}

function rankOf(name: string): number {
  const rank = SUREST.findIndex((pattern) => pattern.test(name));
  return rank === -1 ? SUREST.length : rank;
}

/** Then a link that is made of the serial leads to any of those disks. */
function isSharedSerial(device: ListedDevice, devices: readonly ListedDevice[]): boolean {
  return (
    device.serial !== undefined &&
    devices.some(({ path, serial }) => path !== device.path && serial === device.serial)
  );
}
