import type { Mutation } from './mutation.ts';

export const mutation: Mutation = {
  defect: 'A claim is Ready as soon as its machine runs, with the disk still on its way.',
  edits: [
    {
      file: 'src/plan/instance-claim-status.ts',
      find: '    attachment,\n    hooks,\n    judgeReadyCheck',
      replace: '    hooks,\n    judgeReadyCheck',
    },
  ],
  test: 'src/plan/defects.test.ts',
  killedBy: ['is not Ready before Azure shows its disk in the machine'],
};
