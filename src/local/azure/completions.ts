// What finishing each kind of long-running operation does.
import type { Cloud } from './calls.ts';
import { finishDiskDelete, finishDiskWrite } from './disks.ts';
import type { Operation, OperationKind } from './operations.ts';
import { finishSnapshotDelete, finishSnapshotWrite } from './snapshots.ts';

type Completion = (cloud: Cloud, operation: Operation, at: number) => void;

export const completions: Readonly<Record<OperationKind, Completion>> = {
  'disk.write': finishDiskWrite,
  'disk.delete': finishDiskDelete,
  'snapshot.write': finishSnapshotWrite,
  'snapshot.delete': finishSnapshotDelete,
  'virtualMachine.create': () => {},
  'virtualMachine.update': () => {},
  'virtualMachine.delete': () => {},
  'virtualMachine.power': () => {},
  'virtualMachine.runCommand': () => {},
  'virtualMachine.evict': () => {},
  'networkInterface.delete': () => {},
};
