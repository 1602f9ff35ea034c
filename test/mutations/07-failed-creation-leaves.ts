import type { Mutation } from './mutation.ts';

export const mutation: Mutation = {
  defect: 'A failed creation leaves its network interface and OS disk behind.',
  edits: [
    {
      file: 'src/plan/pool-instance-release.ts',
      find: 'const [leftover] = leftovers;',
      replace: 'const [leftover] = leftovers.slice(leftovers.length);',
    },
  ],
  test: 'src/plan/defects.test.ts',
  killedBy: ['takes what its failed creation left with it before its record goes'],
};
