import type { Mutation } from './mutation.ts';

export const mutation: Mutation = {
  defect: 'Of several disks that a serial fits, the first one is taken and overwritten.',
  edits: [
    {
      file: 'src/plan/disks.ts',
      find: 'if (matches.length === 1)',
      replace: 'if (matches.length >= 1)',
    },
  ],
  test: 'src/plan/disks.test.ts',
  killedBy: ['refuses a serial that several disks share', 'a refusal lists what there is'],
};
