// mount.nfs and mount.ceph: what they say when it works and when it doesn't, and after how long.
import type { ServerState } from '../network.ts';
import type { ProgramCall } from './program.ts';

const FAILED = 32;
const NFS_FOREGROUND_RETRY_MILLISECONDS = 120_000;
const CEPH_MOUNT_TIMEOUT_MILLISECONDS = 60_000;

interface Wanted {
  readonly source: string;
  readonly target: string;
  readonly options: readonly string[];
}

export async function mountNfs(call: ProgramCall, wanted: Wanted): Promise<number> {
  const { machine } = call;
  const { source, target, options } = wanted;
  if (machine.missingPrograms.has('mount.nfs')) return refuseHelper(call, target);
  const fail = (reason: string): number => {
    call.err(`mount.nfs: ${reason}\n`);
    return FAILED;
  };
  const { server, exported } = machine.network.findNfs(source);
  const retries = !options.includes('retry=0');
  if (!server) {
    await call.work(retries ? NFS_FOREGROUND_RETRY_MILLISECONDS : 1300);
    return fail(`Failed to resolve server ${source.split(':')[0]}: Name or service not known`);
  }
  const words = wordsFor(server.state);
  if (words) {
    const slow = server.state === 'hung' ? 60_000 : 1300;
    await call.work(retries ? NFS_FOREGROUND_RETRY_MILLISECONDS : slow);
    return fail(`${words} for ${source} on ${target}`);
  }
  const version = options.find((option) => /^(nfs)?vers=/.test(option))?.split('=')[1];
  if (version && !server.versions.includes(version))
    return fail(`Protocol not supported for ${source} on ${target}`);
  await call.work(80);
  if (!exported)
    return fail(`mounting ${source} failed, reason given by server: No such file or directory`);
  if (exported.denied) return fail(`access denied by server while mounting ${source}`);
  machine.addMount({
    source,
    target,
    filesystem: version?.startsWith('3') ? 'nfs' : 'nfs4',
    options: ['rw', ...options],
    tree: exported.tree,
    generation: exported.generation,
  });
  return 0;
}

export async function mountCeph(call: ProgramCall, wanted: Wanted): Promise<number> {
  const { machine } = call;
  const { target, options } = wanted;
  if (machine.missingPrograms.has('mount.ceph')) return refuseHelper(call, target);
  const source = withAddresses(wanted.source, machine.network.monitorNames);
  const value = (name: string): string | undefined =>
    options.find((one) => one.startsWith(`${name}=`))?.slice(name.length + 1);
  const fail = (text: string): number => {
    call.err(`${text}\n`);
    return FAILED;
  };
  const file = value('secretfile');
  const key = file === undefined ? undefined : machine.root.files.get(file)?.trim();
  if (file !== undefined && key === undefined)
    return fail(`unable to read secretfile: No such file or directory\nerror reading secret file`);
  const { cluster, path } = machine.network.findCeph(source);
  if (cluster?.state !== 'up') {
    await call.work(CEPH_MOUNT_TIMEOUT_MILLISECONDS);
    return fail('mount error 110 = Connection timed out');
  }
  await call.work(150);
  const { kernelLog, runtime } = machine;
  const log = (line: string): void => {
    kernelLog.push(`[${(runtime.clock.monotonic() / 1000).toFixed(6)}] ${line}`);
  };
  const isKnown = cluster.users.get(value('name') ?? 'admin') === key;
  if (!isKnown) log("libceph: auth protocol 'cephx' mauth authentication failed: -13");
  const filesystem = cluster.filesystems.get(value('fs') ?? 'cephfs');
  if (!filesystem || !isKnown) {
    log('ceph: No mds server is up or the cluster is laggy');
    return fail('mount error: no mds server is up or the cluster is laggy');
  }
  if (!filesystem.paths.has(path)) return fail('mount error 2 = No such file or directory');
  const shown = options.filter((one) => !one.startsWith('secretfile='));
  machine.addMount({
    source,
    target,
    filesystem: 'ceph',
    options: ['rw', ...shown],
    tree: filesystem.tree,
  });
  return 0;
}

/** The kernel is given addresses, and shows those as the source of the mount. */
function withAddresses(source: string, names: ReadonlyMap<string, string>): string {
  const split = source.indexOf(':/');
  const monitors = source.slice(0, split).split(',');
  const resolved = monitors.map((monitor) =>
    monitor.replace(/^[^:]+/, (name) => names.get(name) ?? name),
  );
  return `${resolved.join(',')}${source.slice(split)}`;
}

function wordsFor(state: ServerState): string | undefined {
  switch (state) {
    case 'up':
      return undefined;
    case 'refused':
      return 'Connection refused';
    case 'hung':
      return 'Connection timed out';
    case 'unreachable':
      return 'No route to host';
  }
}

function refuseHelper(call: ProgramCall, target: string): number {
  call.err(`mount: ${target}: bad option; for several filesystems (e.g. nfs, cifs) you might `);
  call.err('need a /sbin/mount.<type> helper program.\n');
  return FAILED;
}
