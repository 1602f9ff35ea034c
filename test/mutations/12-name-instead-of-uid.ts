import type { Mutation } from './mutation.ts';

export const mutation: Mutation = {
  defect: 'A claim made again under the same name inherits the machine of its predecessor.',
  edits: [
    {
      file: 'src/controllers/pool-instance/gather.ts',
      find: 'if (live?.metadata.uid !== claimRef.uid)',
      replace: 'if (!live)',
    },
  ],
  test: 'test/e2e/defects-binding.test.ts',
  killedBy: ['of the same name does not inherit the machine of its predecessor'],
};
