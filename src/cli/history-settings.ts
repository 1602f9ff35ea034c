// The settings of the history's table, shared by the controller, which writes it, and by
// `poolkeeper history`, which reads it.
import * as z from 'zod';
import { type CredentialKind, createCredential, credentialKinds } from '../azure/index.ts';
import type { HistoryStore } from '../history/port.ts';
import { createTableStore } from '../history/table-store.ts';
import { SettingsError } from './settings.ts';

/** Holds a key: read from the environment only, never from a flag that `ps` would show. */
export const CONNECTION_STRING = 'POOLKEEPER_HISTORY_CONNECTION_STRING';

export const historySettings = {
  historyTableEndpoint: z
    .url()
    .regex(/^https:\/\//, 'an https:// address')
    .optional()
    .describe(
      `Keep a history in Azure Table Storage, such as https://ACCOUNT.table.core.windows.net; ${CONNECTION_STRING} instead names an account by its connection string; default: none`,
    ),
  historyTableName: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9]{2,62}$/, '3 to 63 letters and digits, a letter first')
    .default('PoolkeeperHistory')
    .describe('Table of the history; made when it is missing'),
};

export const installationSetting = z
  .string()
  .regex(
    /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/,
    'lower-case letters, digits and hyphens, 63 at most',
  )
  .default('poolkeeper');

export const credentialSetting = z
  .enum(credentialKinds)
  .default('Default')
  .describe(`Where Azure credentials come from: ${credentialKinds.join(', ')}`);

export interface HistoryAccess {
  readonly historyTableEndpoint?: string | undefined;
  readonly historyTableName: string;
  readonly installation: string;
  readonly azureCredential: CredentialKind;
}

/** Undefined when nobody asked for a history. */
export async function openHistory(
  given: HistoryAccess,
  connectionString: string | undefined = process.env[CONNECTION_STRING],
): Promise<HistoryStore | undefined> {
  const { historyTableEndpoint: endpoint, historyTableName: tableName, installation } = given;
  if (connectionString && endpoint) {
    throw new SettingsError(
      `--history-table-endpoint: ${CONNECTION_STRING} is set as well; set one of them`,
    );
  }
  if (connectionString) {
    const access = { connectionString };
    return await createTableStore({ access, tableName, installation }).catch(() => {
      // The library's message would quote the key.
      throw new SettingsError(`${CONNECTION_STRING}: not a connection string of Azure Storage`);
    });
  }
  if (!endpoint) return undefined;
  const credential = await createCredential({ kind: given.azureCredential });
  return await createTableStore({ access: { endpoint, credential }, tableName, installation });
}
