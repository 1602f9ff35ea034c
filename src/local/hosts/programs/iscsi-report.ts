// iscsiadm -m session -P 3: every session with its state and the disks that came with it.
import type { Machine } from '../machine.ts';
import type { IscsiTarget } from '../network.ts';
import type { NodeRecord } from './iscsi.ts';

export function printSessions(
  machine: Machine,
  records: readonly NodeRecord[],
  targetOf: (record: NodeRecord) => IscsiTarget | undefined,
): string {
  const blocks = records.map((record, index) => {
    const { name, portal, session, settings } = record;
    const isUp = targetOf(record)?.state === 'up';
    const units = [...(session?.disks ?? [])].flatMap(([number, disk]) => [
      `\t\tscsi${index + 2} Channel 00 Id 0 Lun: ${number}`,
      `\t\t\tAttached scsi disk ${machine.blocks.nameOf(disk)}\t\tState: running`,
    ]);
    return [
      `Target: ${name} (non-flash)`,
      `\tCurrent Portal: ${portal},1`,
      `\tPersistent Portal: ${portal},1`,
      '\t\t**********',
      '\t\tInterface:',
      '\t\t**********',
      '\t\tIface Name: default',
      '\t\tIface Transport: tcp',
      `\t\tSID: ${session?.id}`,
      `\t\tiSCSI Connection State: ${isUp ? 'LOGGED IN' : 'TRANSPORT WAIT'}`,
      `\t\tiSCSI Session State: ${isUp ? 'LOGGED_IN' : 'FAILED'}`,
      `\t\tInternal iscsid Session State: ${isUp ? 'NO CHANGE' : 'REOPEN'}`,
      '\t\t*****',
      '\t\tCHAP:',
      '\t\t*****',
      `\t\tusername: ${settings.get('node.session.auth.username') ?? '<empty>'}`,
      '\t\tpassword: ********',
      '\t\t************************',
      '\t\tAttached SCSI devices:',
      '\t\t************************',
      `\t\tHost Number: ${index + 2}\tState: running`,
      ...units,
    ].join('\n');
  });
  return `iSCSI Transport Class version 2.0-870\nversion 2.1.8\n${blocks.join('\n')}\n`;
}
