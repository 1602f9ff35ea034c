// What finishing each kind of long-running operation does.
import { type Cloud, finishByFailing } from './calls.ts';
import { finishDiskDelete, finishDiskWrite } from './disks.ts';
import { finishInterfaceDelete } from './network-interfaces.ts';
import type { Operation, OperationKind } from './operations.ts';
import { finishSnapshotDelete, finishSnapshotWrite } from './snapshots.ts';
import { finishDelete } from './virtual-machines/delete.ts';
import { finishEviction } from './virtual-machines/evict.ts';
import { finishCreate } from './virtual-machines/finish-create.ts';
import { finishPower } from './virtual-machines/power.ts';
import { finishRunCommand } from './virtual-machines/run-command.ts';
import { finishUpdate } from './virtual-machines/update.ts';

type Completion = (cloud: Cloud, operation: Operation, at: number) => void;

export const completions: Readonly<Record<OperationKind, Completion>> = {
  'disk.write': finishDiskWrite,
  'disk.delete': finishDiskDelete,
  'snapshot.write': finishSnapshotWrite,
  'snapshot.delete': finishSnapshotDelete,
  'virtualMachine.create': finishCreate,
  'virtualMachine.update': finishUpdate,
  'virtualMachine.delete': finishDelete,
  'virtualMachine.power': finishPower,
  'virtualMachine.runCommand': finishRunCommand,
  'virtualMachine.evict': finishEviction,
  'networkInterface.delete': finishInterfaceDelete,
  'resource.fail': finishByFailing,
};
