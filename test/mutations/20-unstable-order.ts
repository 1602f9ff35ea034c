import type { Mutation } from './mutation.ts';

export const mutation: Mutation = {
  defect:
    'Members of one age are retired in the order of the cache: two passes pick different ones.',
  edits: [
    {
      file: 'src/plan/rollout.ts',
      find: ' || one.member.ordinal - other.member.ordinal',
      replace: '',
    },
  ],
  test: 'src/plan/defects.test.ts',
  killedBy: ['the same disks go, in whatever order the cache lists them'],
};
