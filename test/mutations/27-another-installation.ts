import type { Mutation } from './mutation.ts';

export const mutation: Mutation = {
  defect: 'Resources of another installation in the same subscription are taken for leftovers.',
  edits: [
    {
      file: 'src/plan/garbage.ts',
      find: 'if (tags.installation !== input.installation) return false;',
      replace: '',
    },
  ],
  test: 'src/plan/defects.test.ts',
  killedBy: ['is left alone when it is of another installation or holds what somebody kept'],
};
