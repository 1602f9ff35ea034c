// The states in which disks are found: how each is made, and what must be said of it. A state that
// isn't blank is refused, and not a byte of it may change.
export interface DiskState {
  /** Bash; `$disk` is the device. Absent: it stays as it came. */
  readonly made?: string;
  /** The reason of the refusal, and its words. */
  readonly reason: string;
  readonly says: RegExp;
  /** What the node's inventory calls it, where that looks at it. */
  readonly contents?: string;
  /** What the pool names the disk by, besides its serial. */
  readonly asks?: object;
  /** True where typing its serial once more opens it to destruction. */
  readonly isWipeable?: boolean;
  readonly sizeMebibytes?: number;
  /** One of those that CI looks at for every change: what other tools call blank. */
  readonly isCore?: boolean;
}

const holds = (what: string): RegExp =>
  new RegExp(`holds ${what}\\. To destroy that, repeat the serial or wwn in wipe\\.confirm`);
const notBlank = (what: string, contents: string) => ({
  reason: 'DeviceNotBlank',
  says: holds(what),
  contents,
  isWipeable: true,
});
/** One byte that isn't zero, this far from the start (or, negative, from the end). */
const byteAt = (offset: string): string =>
  `printf x | dd of=$disk bs=1 seek=$((${offset})) conv=notrunc status=none`;
const size = '$(blockdev --getsize64 $disk)';
/** A filesystem whose kernel writes nothing more by itself once it is mounted. */
const settled = 'mkfs.ext4 -q -E lazy_itable_init=0,lazy_journal_init=0';
const unknown = notBlank('data that no tool recognises', 'UnknownData');

export const diskStates: Readonly<Record<string, DiskState>> = {
  'a partition table (GPT) with a partition': {
    made: 'echo ",20M" | sfdisk -q --label gpt $disk',
    ...notBlank('a partition table with 1 partitions', 'PartitionTable'),
  },
  'a partition table (GPT) without partitions': {
    made: 'echo "label: gpt" | sfdisk -q $disk',
    ...notBlank('.*gpt.*', 'PartitionTable'),
  },
  'only the backup of a GPT, at its end': {
    isCore: true,
    made: `echo ",20M" | sfdisk -q --label gpt $disk
      dd if=/dev/zero of=$disk bs=1M count=1 conv=notrunc status=none
      # udev looks at the disk after each write and holds it meanwhile.
      for try in 1 2 3 4 5; do udevadm settle; blockdev --rereadpt $disk && break; sleep 1; done`,
    ...notBlank('(data that no tool recognises|.*gpt.*)', '(UnknownData|PartitionTable)'),
  },
  'a partition table (MBR)': {
    made: 'echo ",20M" | sfdisk -q --label dos $disk',
    ...notBlank('a partition table with 1 partitions', 'PartitionTable'),
  },
  'an ext4 filesystem': {
    made: 'mkfs.ext4 -q $disk',
    ...notBlank('ext4', 'Filesystem'),
  },
  'an xfs filesystem': {
    made: 'mkfs.xfs -q $disk',
    ...notBlank('xfs', 'Filesystem'),
    sizeMebibytes: 320,
  },
  'an ext4 filesystem, its first mebibyte overwritten with zeros': {
    isCore: true,
    made: `mkfs.ext4 -q $disk; mkdir -p /mnt/x; mount $disk /mnt/x
      head -c 40M /dev/urandom > /mnt/x/data; umount /mnt/x
      dd if=/dev/zero of=$disk bs=1M count=1 conv=notrunc status=none`,
    ...unknown,
  },
  'a physical volume of LVM': {
    isCore: true,
    made: 'pvcreate -q $disk',
    ...notBlank('LVM2_member', 'VolumeManager'),
  },
  'a volume group in use': {
    made: `pvcreate -q $disk; vgcreate -q pkvg $disk
      lvcreate -q -y -Wn -Zn -n data -L 20M pkvg; lvchange -ay pkvg/data; udevadm settle`,
    reason: 'DeviceInUse',
    says: /is part of .*(pkvg-data|dm-)/,
  },
  "a member of somebody else's array, which is stopped": {
    isCore: true,
    made: `mdadm --create /dev/md/other --level=1 --raid-devices=2 --metadata=1.2 --bitmap=none \\
        --homehost=other --name=other $disk missing --run -q
      mdadm --stop /dev/md/other; udevadm settle
      for array in /dev/md[0-9]*; do mdadm --stop $array; done 2>/dev/null; true`,
    reason: 'DeviceNotBlank',
    says: holds('a member of the RAID array other:other \\([0-9a-f-]+\\)'),
    contents: 'RaidMember',
    isWipeable: true,
  },
  'a member of an array with its superblock at the end (metadata 0.90)': {
    made: `mdadm --create /dev/md/old --level=1 --raid-devices=2 --metadata=0.90 --run -q $disk missing
      mdadm --stop /dev/md/old; udevadm settle
      for array in /dev/md[0-9]*; do mdadm --stop $array; done 2>/dev/null; true`,
    reason: 'DeviceNotBlank',
    says: holds('a member of the RAID array \\([0-9a-f-]+\\)'),
    contents: 'RaidMember',
    isWipeable: true,
  },
  "a member of somebody else's array, which runs": {
    made: `mdadm --create /dev/md/busy --level=1 --raid-devices=2 --metadata=1.2 --bitmap=none \\
        --homehost=other --name=busy $disk missing --run -q`,
    reason: 'DeviceInUse',
    says: /is part of \/dev\/md/,
    contents: 'RaidMember',
  },
  'a disk of Ceph (BlueStore)': {
    made: `printf 'bluestore block device\\n00000000-1111-4222-8333-444444444444\\n' |
      dd of=$disk conv=notrunc status=none`,
    ...notBlank('(ceph_bluestore|data that no tool recognises)', '(VolumeManager|UnknownData)'),
  },
  'an NTFS filesystem, as far as its boot sector': {
    made: `printf '\\xeb\\x52\\x90NTFS    ' | dd of=$disk conv=notrunc status=none`,
    ...notBlank('(ntfs|data that no tool recognises)', '(Filesystem|UnknownData)'),
  },
  'an encrypted volume (LUKS)': {
    made: `printf 'LUKS\\xba\\xbe\\x00\\x01' | dd of=$disk conv=notrunc status=none`,
    ...notBlank('crypto_LUKS', 'VolumeManager'),
  },
  btrfs: {
    made: `printf '_BHRfS_M' | dd of=$disk bs=1 seek=$((65536 + 64)) conv=notrunc status=none`,
    ...notBlank('(btrfs|data that no tool recognises)', '(Filesystem|UnknownData)'),
  },
  'swap space, unused': {
    made: 'mkswap -q $disk',
    ...notBlank('swap', 'Filesystem'),
  },
  'swap space in use': {
    isCore: true,
    made: 'mkswap -q $disk; swapon $disk',
    reason: 'DeviceIsSystem',
    says: /carries the operating system \(\[SWAP\]\)/,
  },
  'a mounted filesystem': {
    made: `${settled} $disk; mkdir -p /mnt/mounted; mount $disk /mnt/mounted`,
    reason: 'DeviceInUse',
    says: /is mounted at \/mnt\/mounted/,
  },
  'a mounted partition': {
    made: `echo ",40M" | sfdisk -q --label gpt $disk; udevadm settle
      ${settled} \${disk}1; mkdir -p /mnt/part; mount \${disk}1 /mnt/part`,
    reason: 'DeviceInUse',
    says: /is mounted at \/mnt\/part/,
  },
  'a filesystem mounted in another mount namespace only': {
    isCore: true,
    made: `${settled} $disk; mkdir -p /mnt/hidden
      setsid unshare --mount --propagation private sh -c \\
        "mount $disk /mnt/hidden && exec sleep 100000" >/dev/null 2>&1 </dev/null &
      for n in $(seq 50); do grep -q /mnt/hidden /proc/[0-9]*/mountinfo && break; sleep 0.1; done`,
    reason: 'DeviceInUse',
    says: /cannot be opened exclusively; something uses it/,
  },
  'held by the device mapper': {
    isCore: true,
    made: `dmsetup create pkheld --table "0 $(blockdev --getsz $disk) linear $disk 0"; udevadm settle`,
    reason: 'DeviceInUse',
    says: /is part of .*(pkheld|dm-)/,
  },
  'random bytes from its start': {
    made: 'head -c 4M /dev/urandom | dd of=$disk bs=1M conv=notrunc status=none',
    ...unknown,
  },
  'a single byte, nowhere in particular': { made: byteAt('9876543'), ...unknown },
  'random bytes in its middle, a quarter of it': {
    isCore: true,
    made: `head -c 16M /dev/urandom | dd of=$disk bs=1M seek=24 conv=notrunc status=none`,
    ...unknown,
  },
  'a single byte at its very start': { made: byteAt('0'), ...unknown },
  'a single byte at the end of the first mebibyte': { made: byteAt('1048575'), ...unknown },
  'a single byte at the start of the last mebibyte': {
    made: byteAt(`${size} - 1048576`),
    ...unknown,
  },
  'a single byte at its very end': { isCore: true, made: byteAt(`${size} - 1`), ...unknown },
  'a single byte in the very middle': { made: byteAt(`${size} / 2`), ...unknown },
  'read-only': {
    made: 'blockdev --setro $disk',
    reason: 'DeviceReadOnly',
    says: /is read-only/,
  },
  'offline: it is there, and fails every read': {
    isCore: true,
    made: `echo offline > /sys/block/\${disk#/dev/}/device/state`,
    reason: 'DeviceUnreadable',
    says: /could not be read, so nothing is written to it/,
    contents: 'Unreadable',
  },
  'too small': {
    reason: 'DeviceTooSmall',
    says: /has 33554432 of 67108864 bytes needed/,
    sizeMebibytes: 32,
  },
  'of another size than asked for': {
    asks: { sizeBytes: 1024 ** 3 },
    reason: 'DeviceNotFound',
    says: /No device matches .*\. The node has: /,
  },
  'of another model than asked for': {
    asks: { model: 'Premium' },
    reason: 'DeviceNotFound',
    says: /No device matches .*\. The node has: /,
  },
};
