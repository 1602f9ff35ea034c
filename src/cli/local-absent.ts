// Stands in for `poolkeeper local` in the bundle: simulators have no place in an image that runs in
// production, and the examples are not in it either.
import * as z from 'zod';
import { defineCommand } from './command.ts';
import { SettingsError } from './settings.ts';

export const command = defineCommand({
  summary: 'Not part of this build: run `npm start` in a checkout of the sources.',
  settings: z.object({}),
  run: async () => {
    throw new SettingsError('not part of this build: run `npm start` in a checkout of the sources');
  },
});
