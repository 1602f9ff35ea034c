import type { Mutation } from './mutation.ts';

export const mutation: Mutation = {
  defect:
    'A disk that was claimed and released before its record was looked at again stays kept for ever.',
  edits: [
    {
      file: 'src/plan/pool-volume.ts',
      find: "return isLoose && status?.phase === 'Free' && spec.lastClaimRef !== undefined;",
      replace: 'return isLoose && false;',
    },
  ],
  test: 'src/plan/member-lives.test.ts',
  killedBy: ['released before the record of its disk was looked at'],
};
