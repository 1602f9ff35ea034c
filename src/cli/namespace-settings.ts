// Which namespaces an operator obeys, and what keeps several operators of one cluster apart.
import * as z from 'zod';
import { list } from './settings.ts';

const NAME = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const name = z.string().regex(NAME, 'the name of a namespace, such as team-a');
/** Each of them costs a watch per kind. */
const NAMESPACES_MAX = 100;

export const DEFAULT_LEASE_NAME = 'poolkeeper-controller';

export const namespaceSettings = {
  watchNamespaces: list()
    .pipe(
      z.array(name).max(NAMESPACES_MAX, `at most ${NAMESPACES_MAX} namespaces; or none for all`),
    )
    .default([])
    .describe(
      'The only namespaces whose pools, claims and backends are obeyed; those of others, and what they have in Azure, are left alone; default: all',
    ),
  leaseName: z
    .string()
    .regex(
      /^[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?$/,
      'a name of lower-case letters, digits, - and .',
    )
    .refine((lease) => !lease.startsWith('poolkeeper-agent-'), 'the leases of agents begin so')
    .default(DEFAULT_LEASE_NAME)
    .describe(
      "The lease, in the operator's own namespace, whose holder works; operators of different namespaces need one each",
    ),
  agentNamespace: name
    .optional()
    .describe("Where the agents are; default: the operator's own namespace"),
};
