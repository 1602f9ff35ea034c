// Any resource as ARM shows it.

import { viewDisk } from './disk-view.ts';
import { viewInterface } from './interface-view.ts';
import type { JsonObject } from './json.ts';
import type { ResourceRecord } from './records.ts';
import { viewSnapshot } from './snapshots.ts';
import { viewVirtualMachine } from './virtual-machines/view.ts';

export function viewResource(record: ResourceRecord, now: number): JsonObject {
  switch (record.kind) {
    case 'disk':
      return viewDisk(record, now);
    case 'snapshot':
      return viewSnapshot(record, now);
    case 'virtualMachine':
      return viewVirtualMachine(record, now, { instanceView: true });
    case 'networkInterface':
      return viewInterface(record);
  }
}
