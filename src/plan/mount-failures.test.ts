// What tools say, and what is made of it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FailingTool, meaningOf } from './mount-failures.ts';

const cases: readonly [FailingTool, string, string | undefined][] = [
  ['nfs', 'mount.nfs: Connection refused for a:/b on /c', 'ConnectionRefused'],
  ['nfs', 'exit code 32: mount.nfs: Resource temporarily unavailable', 'NameNotResolved'],
  ['nfs', 'mount.nfs: No route to host for a:/b on /c', 'HostUnreachable'],
  ['nfs', 'mount.nfs: Network is unreachable for a:/b on /c', 'HostUnreachable'],
  ['nfs', 'exit code 137: It was killed after 120 seconds.', 'ConnectionTimedOut'],
  ['nfs', 'mount.nfs: Stale file handle for a:/b on /c', 'StaleHandle'],
  ['nfs', 'mount.nfs: portmap query failed: RPC: Program not registered', 'VersionUnsupported'],
  ['nfs', 'mount.nfs: mount system call failed', undefined],
  ['nfs', 'mount.nfs: access denied by server while mounting a:/b', 'AccessDenied'],
  ['nfs', 'mount.nfs: Operation not permitted for a:/b on /c', 'AccessDenied'],
  ['nfs', 'mount.nfs: Protocol not supported for a:/b on /c', 'VersionUnsupported'],
  [
    'nfs',
    'mount.nfs: requested NFS version or transport protocol is not supported',
    'VersionUnsupported',
  ],
  [
    'nfs',
    'mount.nfs: mounting a:/b failed, reason given by server: No such file or directory',
    'NotExported',
  ],
  ['nfs', 'mount.nfs: Failed to resolve server a: Name or service not known', 'NameNotResolved'],
  [
    'nfs',
    'mount.nfs: Failed to resolve server a: Temporary failure in name resolution',
    'NameNotResolved',
  ],
  ['nfs', 'mount.nfs: Connection timed out for a:/b on /c', 'ConnectionTimedOut'],
  ['nfs', 'mount.nfs: Connection reset by peer for a:/b on /c', 'ConnectionRefused'],
  ['nfs', 'mount.nfs: an incorrect mount option was specified for /c', 'InvalidSpec'],
  ['nfs', 'mount.nfs: invalid mount option was specified', 'InvalidSpec'],
  [
    'nfs',
    'mount: /x: bad option; for several filesystems (e.g. nfs, cifs) you might need a /sbin/mount.<type> helper program.',
    'PrerequisitesMissing',
  ],
  ['nfs', "mount: /x: unknown filesystem type 'nfs'.", 'PrerequisitesMissing'],
  [
    'nfs',
    'mount.nfs: rpc.statd is not running but is required for remote locking.',
    'PrerequisitesMissing',
  ],
  [
    'cephfs',
    'did not load config file, using default settings.\nauth: unable to find a keyring on /etc/ceph/ceph.keyring: (2) No such file or directory\nmount error 110 = Connection timed out',
    'ConnectionTimedOut',
  ],
  [
    'cephfs',
    "mount error: no mds server is up or the cluster is laggy\nlibceph: auth protocol 'cephx' mauth authentication failed: -13",
    'AuthenticationFailed',
  ],
  ['cephfs', 'mount error: no mds server is up or the cluster is laggy', 'ConnectionRefused'],
  [
    'cephfs',
    "auth: unable to find a keyring on /etc/ceph/keyring: (2) No such file or directory\nmount error: no mds server is up or the cluster is laggy\nlibceph: no secret set (for auth_x protocol); libceph: auth protocol 'cephx' init failed: -22",
    'AuthenticationFailed',
  ],
  ['cephfs', 'server name not found: mon (Name or service not known)', 'NameNotResolved'],
  [
    'cephfs',
    'mount error: no mds (Metadata Server) is up. The cluster might be laggy',
    'ConnectionRefused',
  ],
  ['cephfs', 'mount error 1 = Operation not permitted', 'AuthenticationFailed'],
  ['cephfs', 'mount error 13 = Permission denied', 'AccessDenied'],
  ['cephfs', 'mount error 2 = No such file or directory', 'NotExported'],
  ['cephfs', 'mount error 110 = Connection timed out', 'ConnectionTimedOut'],
  ['cephfs', 'mount error 113 = No route to host', 'HostUnreachable'],
  ['cephfs', 'mount error 22 = Invalid argument', 'InvalidSpec'],
  ['cephfs', 'secret is not valid base64: Invalid argument.', 'AuthenticationFailed'],
  ['cephfs', 'mount: /x: unknown filesystem type "ceph".', 'PrerequisitesMissing'],
  ['cephfs', 'mount error 117 = Structure needs cleaning', undefined],
  ['iscsi', 'exit code 24: initiator reported error (24 - …)', 'AuthenticationFailed'],
  ['iscsi', 'exit code 20: can not connect to iSCSI daemon (111)!', 'PrerequisitesMissing'],
  ['iscsi', 'exit code 11: cannot make connection to a: Connection refused', 'ConnectionRefused'],
  ['iscsi', 'exit code 11: cannot make connection to a: No route to host', 'HostUnreachable'],
  ['iscsi', 'exit code 8: connect to a timed out', 'ConnectionTimedOut'],
  ['iscsi', 'exit code 19: encountered non-retryable iSCSI login failure', 'NotExported'],
  ['iscsi', 'exit code 4: iscsiadm: connection failure', 'ConnectionTimedOut'],
  ['iscsi', 'exit code 5: login failure', 'NotExported'],
  ['iscsi', 'exit code 21: iscsiadm: No records found', 'NotExported'],
  ['iscsi', 'exit code 12: iscsiadm: transport not found', 'PrerequisitesMissing'],
  ['iscsi', "exit code 6: Can't open /etc/iscsi/initiatorname.iscsi", 'PrerequisitesMissing'],
  ['iscsi', 'exit code 6: cannot write record', undefined],
  ['filesystem', "mount: /x: unknown filesystem type 'xfs'.", 'PrerequisitesMissing'],
  ['filesystem', "mount: /x: can't read superblock on /dev/sdb.", 'MountFailed'],
  ['filesystem', 'mount: /x: wrong fs type, bad option, bad superblock', 'MountFailed'],
];

for (const [tool, said, want] of cases)
  test(`${tool}: ${said}`, () => {
    assert.equal(meaningOf(tool, said)?.reason, want);
  });
