import type { Mutation } from './mutation.ts';

export const mutation: Mutation = {
  defect:
    'One cooldown for all pools, and only in memory: pools hold each other back, a restart forgets it.',
  edits: [
    {
      file: 'src/plan/pool.ts',
      find: 'lastScaledAt: lastScaling(leaving, input.memory),',
      replace: 'lastScaledAt: lastScaledAnywhere,',
    },
    {
      file: 'src/plan/pool.ts',
      find: '  const actions: RecentAction[] = [];',
      replace: [
        '  const actions: RecentAction[] = [];',
        '  if (scaling.retire.length > 0) lastScaledAnywhere = now;',
      ].join('\n'),
    },
    {
      file: 'src/plan/pool.ts',
      find: 'export function decidePool(',
      replace: [
        'let lastScaledAnywhere: number | undefined;',
        '',
        'export function decidePool(',
      ].join('\n'),
    },
  ],
  test: 'src/plan/defects.test.ts',
  killedBy: [
    'a cooldown outlives the process: the status alone remembers it',
    'a pool that shrinks holds no other pool back',
  ],
};
