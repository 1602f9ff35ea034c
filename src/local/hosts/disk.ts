// One simulated physical disk: an identity, bytes, and a medium that may go bad.
import type { Random } from '../../runtime/random.ts';
import { type Content, DeviceError, SparseBytes } from './sparse-bytes.ts';

export const GIBIBYTE = 1024 ** 3;
export const MEBIBYTE = 1024 ** 2;

export interface DiskOptions {
  readonly sizeBytes: number;
  readonly transport?: 'scsi' | 'virtio' | 'nvme' | 'iscsi';
  /** Absent: the disk reports none, as many virtio disks do. */
  readonly serial?: string;
  readonly wwn?: string;
  readonly model?: string;
  readonly vendor?: string;
  readonly rotational?: boolean;
  readonly removable?: boolean;
  readonly readOnly?: boolean;
  /** NVMe namespaces of one controller share its number and its serial. */
  readonly namespaceId?: number;
}

export class SimulatedDisk implements Content {
  readonly options: DiskOptions;
  readonly sizeBytes: number;
  readonly bytes: SparseBytes;
  /** The medium: every read, or every write, fails with EIO while set. */
  failReads = false;
  failWrites = false;
  /** Where Azure has attached it: udev makes a link for that. */
  azureLun: number | undefined;
  /** Counts writes, so that a test can prove that a disk was never touched. */
  writes = 0;

  /** Whether its target has fallen silent: then whoever asks waits. */
  isSilent: () => boolean = () => false;

  /** `bytes`: kept elsewhere, as those of a logical unit are by its target. */
  constructor(options: DiskOptions, bytes = new SparseBytes(options.sizeBytes)) {
    this.options = options;
    this.sizeBytes = options.sizeBytes;
    this.bytes = bytes;
  }

  read(offsetBytes: number, lengthBytes: number): Uint8Array {
    if (this.failReads) throw new DeviceError('EIO', this.options.serial ?? 'disk');
    return this.bytes.read(offsetBytes, lengthBytes);
  }

  write(offsetBytes: number, bytes: Uint8Array): void {
    this.#beforeWrite();
    this.bytes.write(offsetBytes, bytes);
  }

  zero(offsetBytes: number, lengthBytes: number): void {
    this.#beforeWrite();
    this.bytes.zero(offsetBytes, lengthBytes);
  }

  /** Random-looking content that no tool recognises: plain dm-crypt, a raw database. */
  scribble(random: Random, offsetBytes = 0, lengthBytes = MEBIBYTE): void {
    this.write(offsetBytes, random.bytes(lengthBytes));
  }

  #beforeWrite(): void {
    if (this.options.readOnly) throw new DeviceError('EROFS', this.options.serial ?? 'disk');
    if (this.failWrites) throw new DeviceError('EIO', this.options.serial ?? 'disk');
    this.writes++;
  }
}
