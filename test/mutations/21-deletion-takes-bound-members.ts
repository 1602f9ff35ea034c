import type { Mutation } from './mutation.ts';

export const mutation: Mutation = {
  defect: 'Deleting a pool deletes what claims own.',
  edits: [
    {
      file: 'src/plan/pool-deletion.ts',
      find: "['claimed', 'releasing', 'retained'].includes(",
      replace: "['releasing'].includes(",
    },
  ],
  test: 'src/plan/defects.test.ts',
  killedBy: ['a pool that is deleted leaves what claims own'],
};
