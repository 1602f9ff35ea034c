// Lists of addresses and networks, as the settings of both processes have them.
import { isIP } from 'node:net';
import type * as z from 'zod';
import { parseAddress } from '../backends/index.ts';
import { list } from './settings.ts';

/** Each is `10.0.0.1`, `10.0.0.0/8` or either with `:port`; a wrong one is named. */
export function addresses(): z.ZodType<string[]> {
  return list().superRefine((texts, context) => {
    for (const text of texts) {
      try {
        parseAddress(text);
      } catch (error) {
        context.addIssue({ code: 'custom', message: (error as Error).message });
      }
    }
  });
}

/** The API server's own address is nobody's storage. Empty where it is known by a name only. */
export function apiServerAddresses(server: string): string[] {
  const { hostname, port, protocol } = new URL(server);
  const host = hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) === 0) return [];
  return [`${hostname}:${port || (protocol === 'https:' ? '443' : '80')}`];
}
