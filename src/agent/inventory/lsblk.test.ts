// Which disks there are, from what lsblk and udev say on machines of all kinds.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HostPort } from '../host-port.ts';
import { type ListedDevice, listDevices } from './lsblk.ts';
import { reportDevice } from './report.ts';
import { StablePaths } from './stable-paths.ts';

interface Row {
  readonly kname: string;
  readonly type?: string;
  readonly serial?: string;
  readonly wwn?: string;
  readonly model?: string;
  readonly size?: number;
  readonly children?: readonly object[];
}

interface Given {
  readonly rows: readonly Row[];
  /** By path. */
  readonly files?: Readonly<Record<string, string>>;
  /** Where links lead to, by their path. */
  readonly links?: Readonly<Record<string, string>>;
}

/** A host that has only what looking at disks asks for; it counts how often links are followed. */
function hostWith({ rows, files = {}, links = {} }: Given): HostPort & { followed: number } {
  const blockdevices = rows.map(({ kname, ...row }) => ({
    ...{ type: 'disk', size: 2 ** 30, serial: null, wwn: null, model: null, fstype: null },
    ...{ ro: false, rm: false, rota: false, tran: null, mountpoints: [null], 'maj:min': '8:0' },
    ...{ name: `/dev/${kname}`, kname: `/dev/${kname}`, path: `/dev/${kname}` },
    ...row,
  }));
  const answer = (argv: readonly string[]): string => {
    if (argv[0] === 'lsblk') return JSON.stringify({ blockdevices });
    if (argv[0] !== 'readlink') return '';
    host.followed++;
    return argv
      .slice(2)
      .map((path) => `${links[path] ?? path}\n`)
      .join('');
  };
  const host = {
    nodeName: 'node-1',
    followed: 0,
    run: async ({ argv }: { argv: readonly string[] }) => ({
      ...{ exitCode: 0, stderr: '', startedAt: 0, durationMilliseconds: 1, timedOut: false },
      stdout: answer(argv),
    }),
    readFile: async (path: string) => files[path],
    listDirectory: async (path: string) => {
      const inside = Object.keys(links).filter((link) => link.startsWith(`${path}/`));
      return inside.length > 0 ? inside.map((link) => link.slice(path.length + 1)) : undefined;
    },
  };
  return host as unknown as HostPort & { followed: number };
}

async function report(given: Given) {
  const host = hostWith(given);
  const listed = await listDevices(host);
  const stablePaths = await new StablePaths(host).of(listed);
  const zeros = { signatures: 'none', types: [], superblock: { type: 'none' }, ends: 'zero' };
  const devices = listed.map((one) => ({ ...one, contents: zeros }) as ListedDevice);
  return devices.map((device) =>
    reportDevice(device, {
      owner: undefined,
      ownerIsGone: undefined,
      stablePath: stablePaths.get(device.path),
      devices,
    }),
  );
}

test('loop devices, optical drives, compressed swap and RAM disks are no disks', async () => {
  const rows = [
    { kname: 'sda', serial: 'a' },
    { kname: 'loop0', type: 'loop' },
    { kname: 'sr0', type: 'rom' },
    { kname: 'zram0' },
    { kname: 'ram1' },
    { kname: 'fd0' },
  ];
  assert.deepEqual(
    (await report({ rows })).map(({ name }) => name),
    ['sda'],
  );
});

test('spaces around a serial number do not belong to it', async () => {
  const [disk] = await report({ rows: [{ kname: 'nvme0n1', serial: 'SN000001            ' }] });
  assert.equal(disk?.serial, 'SN000001');
});

for (const wwn of ['0x0000000000000000', 'eui.0000000000000000', 'naa.0000', 'uuid.0000-00-00'])
  test(`a world wide name of zeros is none: ${wwn}`, async () => {
    const [named, nameless] = await report({
      rows: [
        { kname: 'sda', serial: 'a', wwn },
        { kname: 'sdb', wwn },
      ],
    });
    assert.equal(named?.wwn, undefined);
    assert.equal(named?.eligible, true);
    assert.equal(nameless?.eligible, false);
    assert.match(nameless?.reasons[0]?.message ?? '', /neither serial nor wwn/);
  });

test('the NVMe disks of Azure share a serial and are told apart by namespace and wwn', async () => {
  const model = 'MSFT NVMe Accelerator v1.0';
  const namespace = (number: number): Row => ({
    ...{ kname: `nvme0n${number}`, serial: 'SN: 000001', model },
    wwn: `eui.0000000000000000000000000000000${number}`,
  });
  const shared = '/dev/disk/by-id/nvme-MSFT_NVMe_Accelerator_v1.0_SN:_000001';
  const own = `/dev/disk/by-id/nvme-eui.00000000000000000000000000000002`;
  const [, data] = await report({
    rows: [namespace(1), namespace(2)],
    files: { '/sys/block/nvme0n1/nsid': '1\n', '/sys/block/nvme0n2/nsid': '2\n' },
    links: { [shared]: '/dev/nvme0n2', [own]: '/dev/nvme0n2', [`${own}-part1`]: '/dev/nvme0n2p1' },
  });
  assert.equal(data?.namespaceId, 2);
  assert.equal(data?.azureLun, 0, 'without the links of azure-vm-utils too');
  assert.equal(data?.stablePath, own);
  assert.equal(data?.eligible, true);
});

test('where udev tells which disk is at which logical unit, no number of a namespace does', async () => {
  const model = 'MSFT NVMe Accelerator v1.0';
  const [scsi, namespace] = await report({
    rows: [
      { kname: 'sdc', serial: 'attached' },
      { kname: 'nvme0n2', serial: 'SN: 000001', model, wwn: 'eui.02' },
    ],
    files: { '/sys/block/nvme0n2/nsid': '2\n' },
    links: { '/dev/disk/azure/scsi1/lun0': '/dev/sdc' },
  });
  assert.deepEqual([scsi?.azureLun, namespace?.azureLun], [0, undefined]);
});

test('a link made of a serial that two disks have leads to neither surely', async () => {
  const link = '/dev/disk/by-id/nvme-MSFT_NVMe_Accelerator_v1.0_SN:_000001';
  const disks = await report({
    rows: [
      { kname: 'nvme0n1', serial: 'SN: 000001', wwn: 'eui.01' },
      { kname: 'nvme0n2', serial: 'SN: 000001', wwn: 'eui.02' },
    ],
    links: { [link]: '/dev/nvme0n2' },
  });
  assert.deepEqual(
    disks.map(({ stablePath }) => stablePath),
    [undefined, undefined],
  );
});

test('the same disk over two paths may not be taken by either', async () => {
  const path = { serial: 'a', wwn: '0x5000c500aaaaaaaa' };
  const disks = await report({
    rows: [
      { kname: 'sda', ...path },
      { kname: 'sdb', ...path },
      { kname: 'sdc', serial: 'c', wwn: '0x5000c500cccccccc' },
    ],
  });
  assert.deepEqual(
    disks.map(({ eligible }) => eligible),
    [false, false, true],
  );
  assert.match(disks[0]?.reasons[0]?.message ?? '', /paths to one disk/);
});

test('disks of one serial and no wwn can not be told apart', async () => {
  const disks = await report({
    rows: [
      { kname: 'sda', serial: '0123' },
      { kname: 'sdb', serial: '0123' },
    ],
  });
  assert.match(disks[0]?.reasons[0]?.message ?? '', /sda and .*sdb report the same serial 0123/);
});

test('links are followed again only when there are others, or other disks', async () => {
  const link = '/dev/disk/by-id/wwn-0x1';
  const host = hostWith({
    rows: [{ kname: 'sda', wwn: '0x1' }],
    links: { [link]: '/dev/sda' },
  });
  const paths = new StablePaths(host);
  const devices = await listDevices(host);
  for (let look = 0; look < 3; look++)
    assert.equal((await paths.of(devices)).get('/dev/sda'), link);
  assert.equal(host.followed, 1);
  await paths.of(devices.map((device) => ({ ...device, wwn: '0x2' })));
  assert.equal(host.followed, 2);
});

test('a name longer than any name is not shown, rather than that nothing is', async () => {
  const [disk] = await report({ rows: [{ kname: 'sda', serial: 'x'.repeat(300) }] });
  assert.equal(disk?.serial, undefined);
});
