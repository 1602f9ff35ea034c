import type { Mutation } from './mutation.ts';

export const mutation: Mutation = {
  defect:
    'A member is retired without a precondition: the claim that was bound a moment before loses it.',
  edits: [
    {
      file: 'src/controllers/pool-steps.ts',
      find: '{ namespace, name: step.name }, { uid, resourceVersion })',
      replace: '{ namespace, name: step.name }, { uid })',
    },
  ],
  test: 'test/e2e/defects-binding.test.ts',
  killedBy: ['is refused once a claim owns the instance'],
};
