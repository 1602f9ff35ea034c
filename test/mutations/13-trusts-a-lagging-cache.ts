import type { Mutation } from './mutation.ts';

export const mutation: Mutation = {
  defect:
    'A claim that the cache does not show counts as gone: its machine is released under its feet.',
  edits: [
    {
      file: 'src/controllers/pool-instance/gather.ts',
      find: 'const live = await client.get(instanceClaims, { namespace, name });',
      replace: 'const live = stores.instanceClaims.get(namespace, name);',
    },
  ],
  test: 'test/e2e/defects-binding.test.ts',
  killedBy: ['that the cache does not show yet is looked for before its machine is released'],
};
