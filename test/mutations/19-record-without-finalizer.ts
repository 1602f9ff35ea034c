import type { Mutation } from './mutation.ts';

export const mutation: Mutation = {
  defect: 'The record has no finalizer when the machine is made: deleting it leaks the machine.',
  edits: [
    {
      file: 'src/controllers/pool-steps.ts',
      find: ['          finalizers: [resourceFinalizer],', ''].join('\n'),
      replace: '',
    },
  ],
  test: 'test/e2e/defects-binding.test.ts',
  killedBy: ['exists with its finalizer before anybody can have asked Azure for anything'],
};
