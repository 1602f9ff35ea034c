import type { Mutation } from './mutation.ts';

export const mutation: Mutation = {
  defect: 'One look at Resource Graph is enough to delete what seems to be nobody’s.',
  edits: [
    {
      file: 'src/plan/garbage.ts',
      find: 'now - firstSeenAt >= input.spacingMilliseconds &&',
      replace: '',
    },
  ],
  test: 'src/plan/defects.test.ts',
  killedBy: ['is not deleted on one look at Resource Graph, which may be old'],
};
