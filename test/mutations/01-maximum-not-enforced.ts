import type { Mutation } from './mutation.ts';

export const mutation: Mutation = {
  defect:
    'The maximum of a pool is declared and not enforced: claims that wait make it grow without end.',
  edits: [
    {
      file: 'src/plan/scaling.ts',
      find: 'Math.min(wanted, room, budget)',
      replace: 'Math.min(wanted, budget)',
    },
    {
      file: 'src/plan/scaling.ts',
      find: 'ordinal < input.limits.maxTotal && slots.length < number',
      replace: 'slots.length < number',
    },
  ],
  test: 'src/plan/scaling.test.ts',
  killedBy: ['claimed members leave room only up to maxTotal'],
};
