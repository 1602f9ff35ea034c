import type { Mutation } from './mutation.ts';

export const mutation: Mutation = {
  defect: 'Waiting claims are served in the order of the cache: some wait for ever.',
  edits: [
    {
      file: 'src/plan/allocation.ts',
      find: '[...input.claims].sort(oldestClaimFirst)',
      replace: '[...input.claims]',
    },
  ],
  test: 'src/plan/defects.test.ts',
  killedBy: [
    'that came first is served first, from what waited longest, however the cache is sorted',
  ],
};
