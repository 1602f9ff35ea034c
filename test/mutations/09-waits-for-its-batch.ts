import type { Mutation } from './mutation.ts';

export const mutation: Mutation = {
  defect:
    'Nothing is decided before the whole batch of calls has ended: one that hangs stops everything.',
  edits: [
    {
      file: 'src/kube/controller.ts',
      find: 'class RunningController implements Controller {',
      replace: [
        'const batch = new Set<Promise<void>>();',
        '',
        'class RunningController implements Controller {',
      ].join('\n'),
    },
    {
      file: 'src/kube/controller.ts',
      find: '      await this.#reconcile(item);',
      replace: [
        '      const run = this.#reconcile(item);',
        '      batch.add(run);',
        '      await Promise.all(batch);',
        '      batch.delete(run);',
      ].join('\n'),
    },
  ],
  test: 'test/e2e/defects-patience.test.ts',
  killedBy: ['a machine whose creation hangs delays no other, no pool and no claim'],
};
