// What is run, in this order, on a real kernel once and on the simulated host at every test, to see
// that the two answer alike. `@a` to `@d` stand for disks, `@md` for the array.

export interface StoryStep {
  readonly name: string;
  /** A program with its arguments; absent where a file is read. */
  readonly run?: readonly string[];
  /** A file of the kernel. */
  readonly read?: string;
}

export const storyDisks = [
  { token: '@a', serial: 'story-a1', sizeMebibytes: 128 },
  { token: '@b', serial: 'story-b2', sizeMebibytes: 128 },
  { token: '@c', serial: 'story-c3', sizeMebibytes: 128 },
  { token: '@d', serial: 'story-d4', sizeMebibytes: 384 },
] as const;

const uuid = '0f0e0d0c:0b0a0908:07060504:03020100';
const columns =
  'NAME,KNAME,PATH,TYPE,SIZE,SERIAL,WWN,MODEL,FSTYPE,PTTYPE,RO,RM,ROTA,TRAN,MOUNTPOINTS,MAJ:MIN';
const where = '/run/story';

const run = (name: string, line: string): StoryStep => ({ name, run: line.split(' ') });
const read = (name: string, path: string): StoryStep => ({ name, read: path });

const probes = (what: string, device: string): StoryStep[] => [
  run(`blkid of ${what}`, `blkid -p -o export ${device}`),
  run(`wipefs of ${what}`, `wipefs -n -J ${device}`),
  run(`mdadm --examine of ${what}`, `mdadm --examine --export ${device}`),
];

const sysfs = (state: string, names: readonly string[]): StoryStep[] =>
  names.map((name) => read(`md/${name} of ${state}`, `/sys/block/@md/md/${name}`));

const arrayFiles = [
  'array_state',
  'level',
  'raid_disks',
  'degraded',
  'sync_action',
  'sync_completed',
  'mismatch_cnt',
  'uuid',
];

const create = (name: string, members: string, more = ''): StoryStep =>
  run(
    name,
    `mdadm --create /dev/md/story --level=1 --raid-devices=2 --metadata=1.2 --bitmap=internal --homehost=any --name=story --uuid=${uuid} ${members}${more}`,
  );

export const story: readonly StoryStep[] = [
  run('lsblk of blank disks', `lsblk -J -b -p -o ${columns} @a @b`),
  ...probes('a blank disk', '@a'),
  run('lsblk of a device that is missing', 'lsblk -J -b -p -o NAME /dev/sdzz'),
  ...probes('a device that is missing', '/dev/sdzz'),
  create('mdadm --create', '@a @b'),
  run('udev settles', 'udevadm settle --timeout=10'),
  read('the table of arrays', '/proc/mdstat'),
  ...sysfs('a new array', arrayFiles),
  run('mdadm --detail --export', 'mdadm --detail --export /dev/@md'),
  run('mdadm --detail --test', 'mdadm --detail --test --export /dev/@md'),
  run('lsblk of members', `lsblk -J -b -p -o ${columns} @a @b`),
  ...probes('a member', '@a'),
  run('wipefs of a busy member', 'wipefs -a @a'),
  create('mdadm --create of busy members', '@a @b'),
  run('blkid of an empty array', 'blkid -p -o export /dev/@md'),
  run('mkfs.ext4', 'mkfs.ext4 -U 11111111-2222-4333-8444-555555555555 -E nodiscard /dev/@md'),
  run('blkid of ext4', 'blkid -p -o export /dev/@md'),
  run('wipefs of ext4', 'wipefs -n -J /dev/@md'),
  run('a directory is made', `mkdir -p ${where}`),
  run('mount', `mount -t ext4 -o nosuid,nodev /dev/@md ${where}`),
  run('mount at a directory that is missing', 'mount -t ext4 /dev/@md /run/no-such-directory'),
  run('mount of what is no filesystem', `mount -t ext4 @c ${where}`),
  run('mkfs.ext4 of what is mounted', 'mkfs.ext4 /dev/@md'),
  run('wipefs of what is mounted', 'wipefs -a /dev/@md'),
  run('mdadm --stop of what is mounted', 'mdadm --stop /dev/@md'),
  run('a member fails', 'mdadm /dev/@md --fail @b'),
  ...sysfs('a degraded array', ['array_state', 'degraded']),
  run('mdadm --detail --test, degraded', 'mdadm --detail --test --export /dev/@md'),
  run('an active member is removed', 'mdadm /dev/@md --remove @a'),
  run('the failed member is removed', 'mdadm /dev/@md --remove @b'),
  run('its superblock is erased', 'mdadm --zero-superblock @b'),
  run('a superblock is erased where none is', 'mdadm --zero-superblock @b'),
  run('it is added again', 'mdadm /dev/@md --add @b'),
  run('umount', `umount ${where}`),
  run('umount of what is not mounted', `umount ${where}`),
  run('mdadm --stop', 'mdadm --stop /dev/@md'),
  run('mdadm --stop of what is not there', 'mdadm --stop /dev/md99'),
  ...probes('a member of a stopped array', '@a'),
  run(
    'mdadm --assemble',
    `mdadm --assemble /dev/md/story --homehost=any --uuid=${uuid} --run @a @b`,
  ),
  run('blkid of ext4 once more', 'blkid -p -o export /dev/@md'),
  run('the array is stopped again', 'mdadm --stop /dev/@md'),
  run('superblock of a erased', 'mdadm --zero-superblock @a'),
  run('superblock of b erased', 'mdadm --zero-superblock @b'),
  ...probes('a former member', '@a'),
  run('mkfs.ext4 of a disk', 'mkfs.ext4 -q @c'),
  create('mdadm --create over somebody’s filesystem', '@a @c'),
  run('mkfs.xfs of a small disk', 'mkfs.xfs @a'),
  run('mkfs.xfs', 'mkfs.xfs -K -m uuid=11111111-2222-4333-8444-666666666666 @d'),
  ...probes('xfs', '@d'),
  run('mkfs.xfs over a filesystem', 'mkfs.xfs @d'),
  run('wipefs -a', 'wipefs -a @d'),
  ...probes('a wiped disk', '@d'),
];

export interface Answer {
  readonly name: string;
  readonly exitCode?: number;
  readonly stdout: string;
  readonly stderr?: string;
}

/** Replaces the tokens by what the machine at hand calls them. */
export function fill(text: string, names: ReadonlyMap<string, string>): string {
  let result = text;
  for (const [token, name] of names) result = result.replaceAll(token, name);
  return result;
}

/** The other way round: the longest names first, for `/dev/sda` is part of `/dev/sdaa`. */
export function unfill(text: string, names: ReadonlyMap<string, string>): string {
  let result = text;
  const ordered = [...names].sort(([, left], [, right]) => right.length - left.length);
  for (const [token, name] of ordered) {
    const short = name.replace('/dev/', '');
    result = result.replaceAll(name, token).replaceAll(new RegExp(`\\b${short}\\b`, 'g'), token);
  }
  return result;
}
