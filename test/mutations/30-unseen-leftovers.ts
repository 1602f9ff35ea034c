import type { Mutation } from './mutation.ts';

export const mutation: Mutation = {
  defect:
    'Only what the record remembers is cleaned up: an OS disk that nobody saw stays for ever.',
  edits: [
    {
      file: 'src/controllers/pool-instance/gather.ts',
      find: "{ kind: 'volume', id: osDiskId ?? byName },",
      replace: "...(osDiskId ? [{ kind: 'volume' as const, id: osDiskId }] : []),",
    },
  ],
  test: 'test/e2e/defects-binding.test.ts',
  killedBy: ['a retired record looks for what was left of a machine that nobody ever saw'],
};
