// kubectl poolkeeper drives [node]: every disk of the nodes, eligible for a pool or why not.
import type { DeepReadonly } from '../api/object.ts';
import { storageNodes } from '../api/resources.ts';
import { formatBytes } from '../api/size.ts';
import type { StorageDevice, StorageNode } from '../api/storage-node.ts';
import type { Command } from './command.ts';
import { formatTable, type Row } from './table.ts';
import { UsageError } from './usage-error.ts';

export const command: Command = {
  usage: 'drives [node]',
  summary: 'Every disk of every node: eligible for a storage pool, or why not',
  options: { all: { type: 'boolean' } },
  optionHelp: { all: 'Partitions, arrays and logical volumes too, not whole disks only' },
  async run(session, [node, ...more], options) {
    if (more.length > 0) throw new UsageError('drives takes one node at most');
    const nodes = await session.client.list(storageNodes, {
      ...(node !== undefined && { fieldSelector: `metadata.name=${node}` }),
    });
    if (nodes.length === 0) {
      const hint = 'an agent writes one when it starts; is the DaemonSet running there?';
      session.print(node ? `No StorageNode ${node}: ${hint}` : `No StorageNodes: ${hint}`);
      return 1;
    }
    session.print(drivesText(nodes, options['all'] === true));
    return 0;
  },
};

export function drivesText(nodes: readonly DeepReadonly<StorageNode>[], all: boolean): string {
  const header = ['NODE', 'DISK', 'SERIAL', 'WWN', 'MODEL', 'SIZE', 'ELIGIBLE', 'WHY NOT'];
  const rows = nodes.flatMap((node) =>
    (node.status?.devices ?? [])
      .filter(({ type }) => all || type === 'disk')
      .map((device) => deviceRow(node.metadata.name, device)),
  );
  const missing = nodes.flatMap((node) =>
    (node.status?.prerequisites ?? [])
      .filter(({ present }) => !present)
      .map((item) => {
        const fix = item.package === undefined ? '' : `; install ${item.package}`;
        return `${node.metadata.name}: ${item.name} is missing (for ${item.neededFor ?? 'storage'}${fix})`;
      }),
  );
  return [formatTable(header, rows), ...missing].join('\n');
}

function deviceRow(node: string, device: DeepReadonly<StorageDevice>): Row {
  const { path, serial, wwn, model, sizeBytes, eligible } = device;
  const identity = [node, path, serial, wwn, model, formatBytes(sizeBytes)];
  return [...identity, eligible ? 'yes' : 'no', whyNot(device)];
}

function whyNot({ eligible, reasons, claimedBy }: DeepReadonly<StorageDevice>): string {
  if (eligible) return '';
  if (reasons.length > 0) return reasons.map(({ message }) => message).join('; ');
  return claimedBy ? `belongs to ${claimedBy.namespace}/${claimedBy.name}` : '';
}
