import type { Mutation } from './mutation.ts';

export const mutation: Mutation = {
  defect: 'What is being created is not counted: every pass orders it once more.',
  edits: [
    {
      file: 'src/plan/scaling.ts',
      find: 'limits.minFree - free - creating + waitingClaims',
      replace: 'limits.minFree - free + waitingClaims',
    },
  ],
  test: 'src/plan/scaling.test.ts',
  killedBy: ['creations under way are not ordered twice'],
};
