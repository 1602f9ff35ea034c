// poolkeeper crds: prints the CustomResourceDefinitions, ready for `kubectl apply --server-side -f -`.

import { stringify } from 'yaml';
import * as z from 'zod';
import { customResourceDefinitions } from '../api/crd/index.ts';
import { defineCommand } from './command.ts';

export const command = defineCommand({
  summary: 'Prints the CustomResourceDefinitions as YAML.',
  settings: z.object({}),
  run: async () => {
    const documents = customResourceDefinitions().map((definition) => stringify(definition));
    process.stdout.write(documents.join('---\n'));
    return 0;
  },
});
