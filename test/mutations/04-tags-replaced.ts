import type { Mutation } from './mutation.ts';

export const mutation: Mutation = {
  defect: 'Tags are written as a full replacement: those of others are dropped.',
  edits: [
    {
      file: 'src/azure/tags.ts',
      find: '= { ...present };',
      replace: '= {};',
    },
  ],
  test: 'src/azure/adapter.test.ts',
  killedBy: [
    'is tagged under the ETag that was read; what others wrote in between is read and kept',
    'shows why it failed, and keeps disks of others as they are when disks change',
  ],
};
