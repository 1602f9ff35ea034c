// poolkeeper check: asks a running controller or agent how it is. `helm test` runs it, and people who
// are in a container without any other tool.
import * as z from 'zod';
import { messageOf } from '../runtime/errors.ts';
import { defineCommand } from './command.ts';
import { wholeNumber } from './settings.ts';

export const command = defineCommand({
  summary: 'Asks a running controller or agent how it is; ends with 0 when all is well.',
  settings: z.object({
    url: z
      .url()
      .default('http://127.0.0.1:8080/readyz')
      .describe('What to ask: /healthz or /readyz of the process'),
    timeoutSeconds: wholeNumber(1, 600).default(10).describe('How long to wait for an answer'),
  }),
  run: async ({ url, timeoutSeconds }) => {
    try {
      const signal = AbortSignal.timeout(timeoutSeconds * 1000);
      const answer = await fetch(url, { signal });
      const text = (await answer.text()).trim();
      console.log(`${url}: ${answer.status} ${text}`);
      return answer.ok ? 0 : 1;
    } catch (error) {
      const cause = error instanceof Error && error.cause ? error.cause : error;
      console.error(`${url}: no answer: ${messageOf(cause)}`);
      return 1;
    }
  },
});
