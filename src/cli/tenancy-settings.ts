// Who may name what in Azure: the setting `tenancy`, and how a running controller follows its changes.
import { parse as parseYaml } from 'yaml';
import * as z from 'zod';
import type { TenancySource } from '../controllers/tenancy.ts';
import type { InstallationDefaults } from '../plan/pool-scope.ts';
import { parseResourceId } from '../plan/resource-id.ts';
import type { Allowance, Tenancy } from '../plan/tenancy.ts';
import type { Runtime } from '../runtime/index.ts';
import { SettingsError } from './settings.ts';

const resourceId = (what: string) =>
  z
    .string()
    .max(512)
    .refine((id) => parseResourceId(id) !== undefined, {
      error: `the Azure id of ${what}, such as /subscriptions/…/resourceGroups/…`,
    });

const scope = resourceId('a subscription or resource group').refine(
  (id) => {
    const [, , ...rest] = parseResourceId(id) ?? [];
    return rest.length === 0 || (rest.length === 2 && rest[0] === 'resourcegroups');
  },
  { error: 'a subscription or a resource group, not something in one' },
);

const allowance = z.strictObject({
  scopes: z.array(scope).optional(),
  locations: z
    .array(z.string().regex(/^[a-z0-9]+$/, "Azure's short name of a region, such as westeurope"))
    .optional(),
  subnetIds: z.array(resourceId('a subnet, or of what it is in')).optional(),
  identityIds: z.array(resourceId('a user-assigned identity, or of what it is in')).optional(),
  snapshotIds: z.array(resourceId('a snapshot, or of what it is in')).optional(),
  imageIds: z.array(resourceId('an image or gallery, or of what it is in')).optional(),
});

const namespaceName = z
  .string()
  .regex(
    /^(\*|[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)$/,
    'the name of a namespace, or * for all others',
  );

/** A map in the configuration file; the same as YAML or JSON text in a flag or variable. */
export const tenancySetting: z.ZodType<Readonly<Record<string, Allowance>>> = z.preprocess(
  (value, context) => {
    if (typeof value !== 'string') return value ?? {};
    try {
      return parseYaml(value) ?? {};
    } catch (error) {
      context.issues.push({ code: 'custom', message: (error as Error).message, input: value });
      return z.NEVER;
    }
  },
  z.record(namespaceName, allowance),
);

/** Configuration is small and read from a mounted file: half a minute is soon enough and costs nothing. */
const REREAD_MILLISECONDS = 30_000;

export interface FollowedTenancy extends TenancySource {
  stop(): void;
}

/**
 * Reads the setting again now and then. A configuration that can't be read any more changes nothing: what
 * was allowed stays allowed, and the log says what is wrong with it.
 */
export function followTenancy(
  runtime: Pick<Runtime, 'clock' | 'log'>,
  defaults: InstallationDefaults,
  read: () => Tenancy['namespaces'],
): FollowedTenancy {
  let tenancy: Tenancy = { defaults, namespaces: read() };
  let problem: string | undefined;
  const listeners: (() => void)[] = [];
  const look = (): void => {
    try {
      const namespaces = read();
      problem = undefined;
      if (JSON.stringify(namespaces) !== JSON.stringify(tenancy.namespaces)) {
        tenancy = { defaults, namespaces };
        runtime.log.info('tenancy changed', { namespaces: Object.keys(namespaces).join(', ') });
        for (const listener of listeners) listener();
      }
    } catch (error) {
      if (!(error instanceof SettingsError)) throw error;
      if (error.message !== problem) {
        problem = error.message;
        runtime.log.warn('configuration is not usable; the last one stays', { detail: problem });
      }
    }
    cancel = runtime.clock.schedule(REREAD_MILLISECONDS, look);
  };
  let cancel = runtime.clock.schedule(REREAD_MILLISECONDS, look);
  return {
    current: () => tenancy,
    onChange: (listener) => void listeners.push(listener),
    stop: () => cancel(),
  };
}
