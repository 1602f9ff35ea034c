import type { Mutation } from './mutation.ts';

export const mutation: Mutation = {
  defect: 'The record goes when Azure accepts the deletion: one that fails later is nobody’s.',
  edits: [
    {
      file: 'src/plan/pool-instance-release.ts',
      find: [
        "  if (operation?.state === 'InProgress') return polled(snapshot, deleting, POLL_INSTANCE, now);",
        "  if (machine === 'absent') {",
      ].join('\n'),
      replace: "  if (machine === 'absent' || operation?.state === 'InProgress') {",
    },
  ],
  test: 'src/plan/defects.test.ts',
  killedBy: ['keeps its record until Azure has done more than accept the deletion'],
};
