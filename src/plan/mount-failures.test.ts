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
  ['iscsi', 'exit code 6: cannot write record', undefined],
  ['filesystem', 'mount: /x: wrong fs type, bad option, bad superblock', 'MountFailed'],
];

for (const [tool, said, want] of cases)
  test(`${tool}: ${said}`, () => {
    assert.equal(meaningOf(tool, said)?.reason, want);
  });
