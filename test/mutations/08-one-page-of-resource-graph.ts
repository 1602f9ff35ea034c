import type { Mutation } from './mutation.ts';

export const mutation: Mutation = {
  defect: 'Only the first page of Resource Graph is read: what is on the others does not exist.',
  edits: [
    {
      file: 'src/azure/resource-graph.ts',
      find: 'skipToken = outcome.value.skipToken || undefined;',
      replace: 'skipToken = undefined;',
    },
    {
      file: 'src/azure/resource-graph.ts',
      find: 'if (rowCount < outcome.value.totalRecords)',
      replace: 'if (rowCount < 0)',
    },
  ],
  test: 'src/azure/adapter.test.ts',
  killedBy: [
    'pages on the token, whatever the flag says, and waits when the quota is used up',
    'rejects when a later page fails',
  ],
};
