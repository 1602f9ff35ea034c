import type { Mutation } from './mutation.ts';

export const mutation: Mutation = {
  defect: 'The name in Azure is that of the slot: a late deletion hits the successor.',
  edits: [
    {
      file: 'src/plan/pool-instance.ts',
      find: "cloudName('instance', instance.metadata.uid)",
      replace: "cloudName('instance', instance.metadata.name)",
    },
  ],
  test: 'src/plan/defects.test.ts',
  killedBy: ['has a name that no other machine of its slot ever had'],
};
