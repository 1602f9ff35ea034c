import type { Mutation } from './mutation.ts';

export const mutation: Mutation = {
  defect: 'A disk that was used is handed out as a fresh one, with somebody’s bytes.',
  edits: [
    {
      file: 'src/plan/allocation.ts',
      find: [
        '    spec.instanceRef === undefined &&',
        '    spec.lastClaimRef === undefined &&',
      ].join('\n'),
      replace: '    spec.instanceRef === undefined &&',
    },
  ],
  test: 'src/plan/defects.test.ts',
  killedBy: ['never gets the disk of another as a fresh one'],
};
