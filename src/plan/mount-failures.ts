// What the words of mount.nfs, mount.ceph and iscsiadm mean, and what to do about it. Tools say the same
// thing in several ways and leave out where to look; the words themselves are always quoted as well.
import type { Reason } from '../api/reasons.ts';

export interface FailureMeaning {
  readonly reason: Reason;
  /** The cause and the remedy, such as `access denied by server; check the export's client list`. */
  readonly message: string;
}

interface Pattern extends FailureMeaning {
  readonly words: RegExp;
}

export type FailingTool = 'nfs' | 'cephfs' | 'iscsi' | 'filesystem';

const unreachable: readonly Pattern[] = [
  {
    words:
      /failed to resolve|name or service not known|temporary failure in name resolution|could not resolve|cannot resolve host/i,
    reason: 'NameNotResolved',
    message: "the server's name can't be resolved; check the name and the node's DNS",
  },
  {
    words: /no route to host|network is unreachable|host is down/i,
    reason: 'HostUnreachable',
    message: 'no route leads to the server; check the address, routes and firewalls',
  },
  {
    words: /connection refused/i,
    reason: 'ConnectionRefused',
    message: 'the server refused the connection; is the service running, and is it the right port?',
  },
  {
    words: /connection reset/i,
    reason: 'ConnectionRefused',
    message:
      'the server ended the connection; is it the right port, and does it ask for encryption?',
  },
];

const timedOut: Pattern = {
  words: /timed out|timeout|was killed after|server not responding/i,
  reason: 'ConnectionTimedOut',
  message: 'the server did not answer in time; is it up, and is the firewall open?',
};

const nfs: readonly Pattern[] = [
  {
    // What mount.nfs says of a name when the node has no DNS server that answers (EAGAIN).
    words: /mount\.nfs4?: resource temporarily unavailable/i,
    reason: 'NameNotResolved',
    message: "the server's name can't be resolved; check the name and the node's DNS",
  },
  {
    words: /rpc\.statd is not running/i,
    reason: 'PrerequisitesMissing',
    message:
      'locking over NFS 3 needs rpc.statd; start it on the node (rpc-statd.service) or add the option nolock',
  },
  {
    words: /access denied by server|permission denied|operation not permitted/i,
    reason: 'AccessDenied',
    message: "access denied by server; check the export's client list",
  },
  {
    words: /need a \/sbin\/mount|unknown filesystem type|no such device/i,
    reason: 'PrerequisitesMissing',
    message:
      'the node lacks the NFS client; install nfs-common (nfs-utils) and the kernel module nfs',
  },
  {
    words:
      /requested nfs version or transport protocol is not supported|protocol not supported|program\/version mismatch/i,
    reason: 'VersionUnsupported',
    message: 'the server does not speak this NFS version; choose another in spec.nfs.version',
  },
  {
    words: /program not registered|port mapper failure|portmap query failed|unable to receive/i,
    reason: 'VersionUnsupported',
    message:
      'the server offers no NFS of this version (nothing is registered at its port mapper); choose another in spec.nfs.version',
  },
  {
    words:
      /reason given by server: no such file or directory|no such file or directory|not a directory/i,
    reason: 'NotExported',
    message:
      'the server does not export this path to this node; check the path, the exports and their client lists',
  },
  {
    words: /stale (nfs )?file handle/i,
    reason: 'StaleHandle',
    message: 'the export was made anew on the server; it is mounted again',
  },
  {
    words:
      /(incorrect|invalid) mount option|invalid argument|bad option|(unsupported|unknown) (nfs|mount) option/i,
    reason: 'InvalidSpec',
    message: 'the mount options are not accepted; check spec.nfs.options and spec.nfs.version',
  },
  {
    words: /is busy|already mounted/i,
    reason: 'MountPathInUse',
    message: 'something is mounted there already',
  },
];

/** mount.ceph ends with `mount error 13 = Permission denied`; the number is the kernel's. */
const cephfs: readonly Pattern[] = [
  {
    // In the kernel's own words: mount.ceph says of a wrong key that no metadata server is up.
    words: /authentication failed: -(13|1)\b|auth .*(error|failed) -?(13|1)\b|bad authorize/i,
    reason: 'AuthenticationFailed',
    message: 'the cluster refused user or key; check both, and the capabilities of the user',
  },
  {
    words: /no secret set/i,
    reason: 'AuthenticationFailed',
    message: 'the cluster wants a key; name its Secret in credentialsSecretRef',
  },
  {
    words:
      /adding ceph secret key to kernel failed|secret is not valid base64|invalid key|failed to parse secret/i,
    reason: 'AuthenticationFailed',
    message:
      'the key is malformed; the Secret needs the base64 text that `ceph auth get-key` shows',
  },
  {
    words: /mount error 1\b|operation not permitted/i,
    reason: 'AuthenticationFailed',
    message: 'the cluster refused the key; check user, key and its capabilities',
  },
  {
    words: /mount error 13\b|permission denied/i,
    reason: 'AccessDenied',
    message: 'the user may not mount this path; check its capabilities (`ceph fs authorize`)',
  },
  {
    words: /no mds|mount error 5\b|cluster might be laggy/i,
    reason: 'ConnectionRefused',
    message:
      'no metadata server is active for a filesystem of this name, or the user may not see it; ' +
      'check filesystemName and `ceph fs status`',
  },
  {
    words: /mount error 2\b|no such file or directory|mount error 3\b/i,
    reason: 'NotExported',
    message: 'there is no such path or filesystem in the cluster; check path and filesystemName',
  },
  {
    words: /mount error 22\b|invalid argument|unrecognized mount option/i,
    reason: 'InvalidSpec',
    message: 'the kernel does not accept the options; check spec.cephfs and its options',
  },
  {
    words: /mount error 110\b|mount error 115\b/i,
    reason: 'ConnectionTimedOut',
    message: 'no monitor answered; check the addresses, the ports 3300 and 6789, and the firewall',
  },
  {
    words: /mount error 113\b|mount error 101\b/i,
    reason: 'HostUnreachable',
    message: 'no route leads to the monitors; check the addresses, routes and firewalls',
  },
  {
    words:
      /need a \/sbin\/mount|unknown filesystem type|modprobe.*ceph|no such device|mount error 19\b/i,
    reason: 'PrerequisitesMissing',
    message: 'the node lacks the Ceph client; install ceph-common and the kernel module ceph',
  },
  {
    words: /dns srv/i,
    reason: 'NameNotResolved',
    message: 'no monitor was found; check the addresses in monitors',
  },
];

/** iscsiadm's exit codes come first: its words differ more between versions than they do. */
const iscsi: readonly Pattern[] = [
  {
    words:
      /exit code 24\b|authorization failure|login failed due to authorization|authentication fail/i,
    reason: 'AuthenticationFailed',
    message:
      "the target refused the login; check the Secret's username and password, and that the target knows this initiator",
  },
  {
    words:
      /exit code (18|20)\b|can not connect to iscsi daemon|cannot connect to iscsid|could not connect to iscsid/i,
    reason: 'PrerequisitesMissing',
    message: 'iscsid is not running on the node; start iscsid.service',
  },
  {
    words: /initiatorname\.iscsi|could not read initiator ?name|initiatorname.*(required|missing)/i,
    reason: 'PrerequisitesMissing',
    message:
      'the node has no name as an initiator; write one to /etc/iscsi/initiatorname.iscsi and restart iscsid',
  },
  {
    words: /exit code 12\b|could not (find|load) transport|transport.*not found/i,
    reason: 'PrerequisitesMissing',
    message: 'the node lacks the kernel module iscsi_tcp',
  },
  {
    words: /exit code 21\b|no records found|no portals found/i,
    reason: 'NotExported',
    message: 'the portal does not offer this target; check spec.iscsi.target',
  },
  {
    words: /exit code (5|19)\b|non-retryable|target not found|login failed.*0x0203/i,
    reason: 'NotExported',
    message:
      'the portal does not let this node log in to the target; check its name and access list',
  },
  {
    words: /exit code (4|8|11)\b|retries.*exceeded|cannot make connection/i,
    reason: 'ConnectionTimedOut',
    message: 'the portal did not answer; check spec.iscsi.portal and the firewall',
  },
];

const filesystem: readonly Pattern[] = [
  {
    words: /unknown filesystem type|no such device/i,
    reason: 'PrerequisitesMissing',
    message: "the node's kernel lacks the filesystem; install its module (linux-modules-extra)",
  },
  {
    words: /wrong fs type, bad option|structure needs cleaning|(bad|read) superblock/i,
    reason: 'MountFailed',
    message: "the filesystem can't be mounted; it may need a check (fsck), or an option is wrong",
  },
  {
    words: /already mounted|is busy/i,
    reason: 'MountPathInUse',
    message: 'the device is in use or mounted already',
  },
];

const patterns: Readonly<Record<FailingTool, readonly Pattern[]>> = {
  nfs: [...nfs.slice(0, 2), ...unreachable, ...nfs.slice(2), timedOut],
  cephfs: [...cephfs, ...unreachable, timedOut],
  iscsi: [...iscsi.slice(0, 4), ...unreachable, ...iscsi.slice(4), timedOut],
  filesystem,
};

/** Undefined for words that nobody knows: then they are all there is to say. */
export function meaningOf(tool: FailingTool, said: string): FailureMeaning | undefined {
  const text = tool === 'cephfs' ? sinceVerdict(said) : said;
  const found = patterns[tool].find(({ words }) => words.test(text));
  return found && { reason: found.reason, message: found.message };
}

/**
 * mount.ceph first tells what it did without, such as a configuration or keyring that is not there; the
 * error at the end is why it failed.
 */
function sinceVerdict(said: string): string {
  const at = said.search(/mount error[: ]/);
  return at < 0 ? said : said.slice(at);
}
