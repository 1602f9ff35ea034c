// What a node's agent says of one mount.
import type { NodeMountPhase } from '../node-mount.ts';
import type { StateTable } from './state-table.ts';

export const nodeMountStates: StateTable<NodeMountPhase> = {
  kind: 'NodeMount',
  stem: 'node-mount',
  intro:
    'One piece of storage on one node. Its phase is read off the node each time, whatever it was before: a ' +
    'restarted agent says the same. The usual way is Pending → Preparing → Formatting → Mounting → Mounted, ' +
    'and Unmounting → Released.',
  first: 'Pending',
  phases: {
    Pending:
      'Waits for something that may come by itself: a program, a disk, another owner of the disk.',
    Preparing: 'Disks are reserved and checked, the array or the session is made or started.',
    Formatting: 'The filesystem is made. Only on what is proven blank or ours.',
    Mounting: 'Mount point, mount and marker.',
    Mounted: 'It is there, marked as ours, and answers.',
    Degraded: 'Mounted; a member of the array is missing or failed.',
    Rebuilding: 'Mounted; the array is rebuilding.',
    Failed: 'Refused, or a step keeps failing; the condition says why.',
    Unknown: 'Mounted, but its server does not answer.',
    Unmounting: 'It is being undone, as the deletion policy says.',
    Released: 'Nothing of it is left but what the policy keeps; the controller lets the object go.',
  },
};
