import type { Mutation } from './mutation.ts';

export const mutation: Mutation = {
  defect: 'Members on their way out do not count: the pool exceeds its maximum while they go.',
  edits: [
    {
      file: 'src/plan/scaling.ts',
      find: ['limits.maxTotal - members.length);', '  const rollout'].join('\n'),
      replace: [
        "limits.maxTotal - members.filter(({ role }) => role !== 'deleting').length);",
        '  const rollout',
      ].join('\n'),
    },
    {
      file: 'src/plan/scaling.ts',
      find: 'new Set(input.members.map((member) => member.ordinal))',
      replace:
        "new Set(input.members.filter(({ role }) => role !== 'deleting').map((member) => member.ordinal))",
    },
  ],
  test: 'src/plan/scaling.test.ts',
  killedBy: ['members being deleted still count'],
};
