import type { Mutation } from './mutation.ts';

export const mutation: Mutation = {
  defect: 'A machine that Azure is still making counts as free.',
  edits: [
    {
      file: 'src/plan/pool-instance-creation.ts',
      find: "machine.provisioningState !== 'Succeeded' || operation?.state === 'InProgress'",
      replace: "operation?.state === 'InProgress'",
    },
  ],
  test: 'src/plan/defects.test.ts',
  killedBy: ['is not free while Azure is still making it'],
};
