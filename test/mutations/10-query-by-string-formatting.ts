import type { Mutation } from './mutation.ts';

export const mutation: Mutation = {
  defect:
    'The query is put together from unescaped text: a name with a quote in it changes what is asked.',
  edits: [
    {
      file: 'src/azure/resource-graph.ts',
      find: 'const printable = escaped.replace(',
      replace: 'const printable = value.replace(',
    },
  ],
  test: 'src/azure/resource-graph.test.ts',
  killedBy: [
    'whatever an installation is called, its name is one literal and changes nothing else',
  ],
};
