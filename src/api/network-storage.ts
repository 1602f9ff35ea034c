// How network storage is reached: the same words in backends, pools and what agents mount.
import * as z from 'zod';
import { setList, withRules } from './rules.ts';
import { absolutePathOrRoot, hostName, integer, nonEmptyText } from './text.ts';

/**
 * Options are single words of mount(8), such as `nconnect=4`. Those that would take protection away
 * (`suid`, `dev`) or run a program on the node have no place here.
 */
export function mountOptions() {
  const list = setList(
    z
      .array(
        z
          .string()
          .min(1)
          .max(64)
          .regex(/^[a-z][a-z0-9_]*(=[A-Za-z0-9_.:/-]+)?$/),
      )
      .max(16),
  );
  const refused = forbiddenOptions.map((option) => `'${option}'`).join(', ');
  return withRules(list, {
    rule: `self.all(option, !(option.split('=')[0] in [${refused}]))`,
    message:
      'options must not contain suid, dev, bind, remount and their like, nor what has a field ' +
      'of its own (version, user, filesystem, secret)',
  });
}

/** Without protection, another operation than mounting, or what a field of its own decides. */
export const forbiddenOptions: readonly string[] = [
  ...['suid', 'dev', 'user', 'users', 'owner', 'group', 'helper', 'uhelper', 'loop', 'offset'],
  ...['bind', 'rbind', 'move', 'remount', 'private', 'shared', 'slave', 'unbindable'],
  ...['vers', 'nfsvers', 'v3', 'v4', 'addr', 'clientaddr', 'minorversion'],
  ...['name', 'secret', 'secretfile', 'key', 'fs', 'mds_namespace', 'conf', 'mon_addr'],
];

export const nfsVersion = z.enum(['3', '4.0', '4.1', '4.2']);

export function nfsServer() {
  return hostName().describe('Host name or address of the server.');
}

export function nfsExportPath() {
  return absolutePathOrRoot().describe('The exported path, such as `/export/data`.');
}

/** 1 to 65535, as a part of a regular expression that RE2 and JavaScript read alike. */
export const PORT_PATTERN =
  '([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])';

/** `address:port` with IPv6 in brackets. */
export function iscsiPortal() {
  return withRules(z.string().max(261), {
    rule: `self.matches('^([A-Za-z0-9][-A-Za-z0-9.]*|\\\\[[0-9A-Fa-f:.]+\\\\]):${PORT_PATTERN}$')`,
    message:
      'must be an address and a port from 1 to 65535, such as 10.0.0.5:3260 or [fd00::5]:3260',
  }).describe('Address and port of the target portal, such as `10.0.0.5:3260`.');
}

export function iscsiTarget() {
  return withRules(z.string().max(223), {
    rule: "self.matches('^(iqn\\\\.[0-9]{4}-[0-9]{2}\\\\.[a-z0-9.:-]+|(eui|naa)\\\\.[0-9A-Fa-f]{16,32})$')",
    message:
      'must be the name of a target in lower case, such as iqn.2026-01.com.example:data, or ' +
      'begin with eui. or naa.',
  }).describe('Name of the target, such as `iqn.2026-01.com.example:data`.');
}

export function iscsiLun() {
  return integer(0, 16_383).describe('Number of the logical unit.');
}

export const cephFields = {
  monitors: setList(
    z
      .array(
        withRules(z.string().max(261), {
          rule: `self.matches('^([A-Za-z0-9][-A-Za-z0-9.]*|\\\\[[0-9A-Fa-f:.]+\\\\])(:${PORT_PATTERN})?$')`,
          message: 'must be the address of a monitor, such as 10.0.0.1 or 10.0.0.1:6789',
        }),
      )
      .min(1)
      .max(15),
  ).describe('Addresses of the monitors, such as `["10.0.0.1:3300"]`; port 3300 when left out.'),
  filesystemName: nonEmptyText(128).describe('Name of the Ceph filesystem.').default('cephfs'),
  path: absolutePathOrRoot().describe('The directory in it.').default('/'),
  user: z
    .string()
    .min(1)
    .max(64)
    .regex(/^[A-Za-z0-9._-]+$/)
    .describe('The Ceph user without `client.`.')
    .default('admin'),
};
