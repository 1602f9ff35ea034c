import type { Mutation } from './mutation.ts';

export const mutation: Mutation = {
  defect:
    'Tags are read, merged and written back without the ETag: what was written in between is lost.',
  edits: [
    {
      file: 'src/azure/instances.ts',
      find: '...(etag && { ifMatch: etag })',
      replace: '',
    },
  ],
  test: 'src/azure/adapter.test.ts',
  killedBy: [
    'is tagged under the ETag that was read; what others wrote in between is read and kept',
  ],
};
