import type { Mutation } from './mutation.ts';

export const mutation: Mutation = {
  defect: 'A disk that could not be read shows no signature, counts as blank and is formatted.',
  edits: [
    {
      file: 'src/plan/disks.ts',
      find: "const isRead = contents !== undefined && contents.ends !== 'unreadable';",
      replace: 'const isRead = contents !== undefined;',
    },
  ],
  test: 'src/plan/disks.test.ts',
  killedBy: [
    'a disk without signatures that can not be read is not blank',
    'a confirmation does not open an unreadable disk',
  ],
};
