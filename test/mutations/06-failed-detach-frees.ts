import type { Mutation } from './mutation.ts';

export const mutation: Mutation = {
  defect:
    'A failed detach is logged and the machine becomes free all the same, with somebody’s disk in it.',
  edits: [
    {
      file: 'src/plan/pool-instance-release.ts',
      find: [
        "    if (operation?.state === 'Failed') return retried(seen, operation, now);",
        '',
      ].join('\n'),
      replace: '',
    },
    {
      file: 'src/plan/pool-instance-release.ts',
      find: ['    if (disks.change) {', "      const tags = tagsFor(snapshot, 'releasing');"].join(
        '\n',
      ),
      replace: [
        "    if (disks.change && operation?.state !== 'Failed') {",
        "      const tags = tagsFor(snapshot, 'releasing');",
      ].join('\n'),
    },
  ],
  test: 'src/plan/defects.test.ts',
  killedBy: [
    'keeps its claim and its disk when the disk could not be detached: Replace',
    'keeps its claim and its disk when the disk could not be detached: Reuse',
  ],
};
