import type { Mutation } from './mutation.ts';

export const mutation: Mutation = {
  defect:
    'What an operator says late, that had lost its lease, is taken at its word: a disk on a machine is waited for without end.',
  edits: [
    {
      file: 'src/plan/pool-instance-creation.ts',
      find: 'const isBound = instance.spec.claimRef !== undefined;',
      replace: 'const isBound = false;',
    },
    {
      file: 'src/plan/pool-volume-creation.ts',
      find: 'const isHeld = disk.managedBy !== undefined;',
      replace: 'const isHeld = false;',
    },
  ],
  test: 'src/plan/member-lives.test.ts',
  killedBy: ['an operator that has lost its lease tells late that it asked for them'],
};
