import type { Mutation } from './mutation.ts';

export const mutation: Mutation = {
  defect:
    'A claim takes the first free instance of its view without a lock: two claims get one machine.',
  edits: [
    {
      file: 'src/controllers/instance-claim/allocate.ts',
      find: '{ namespace, name }, locked(instance, patch));',
      replace: '{ namespace, name }, patch);',
    },
  ],
  test: 'test/e2e/defects-binding.test.ts',
  killedBy: [
    'is lost to the claim that was faster, and tried again on newer state',
    'is lost to the retirement of the instance',
    'is lost when the instance is claimed and released in between: it may be unclean',
    'never goes to a successor of the same name',
  ],
};
