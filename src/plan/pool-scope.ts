// Where in Azure a pool works: resolved once from its spec and the installation, then fixed.
import type { AzureScope, ResolvedScope } from '../api/azure-scope.ts';
import type { Reason } from '../api/reasons.ts';

export interface InstallationDefaults {
  readonly subscriptionId?: string | undefined;
  readonly resourceGroup?: string | undefined;
  readonly location?: string | undefined;
}

export type ScopeResolution = { readonly scope: ResolvedScope } | Refusal;

export interface Refusal {
  readonly reason: Reason;
  readonly message: string;
}

export function resolveScope(
  asked: AzureScope,
  recorded: ResolvedScope | undefined,
  defaults: InstallationDefaults,
): ScopeResolution {
  const missing = (['subscriptionId', 'resourceGroup', 'location'] as const).filter(
    (field) => (asked[field] ?? recorded?.[field] ?? defaults[field]) === undefined,
  );
  if (missing.length > 0) {
    return {
      reason: 'InvalidSpec',
      message: `spec.azure.${missing.join(', spec.azure.')} must be set: the installation has no default`,
    };
  }
  const scope: ResolvedScope = {
    subscriptionId: asked.subscriptionId ?? recorded?.subscriptionId ?? defaults.subscriptionId!,
    resourceGroup: asked.resourceGroup ?? recorded?.resourceGroup ?? defaults.resourceGroup!,
    location: asked.location ?? recorded?.location ?? defaults.location!,
    zones: asked.zones ?? recorded?.zones ?? [],
  };
  const differs = recorded && differences(recorded, scope);
  if (differs) {
    return {
      reason: 'ScopeMismatch',
      message: `the pool was made in ${differs}; put spec.azure back or create a new pool`,
    };
  }
  return { scope };
}

/**
 * What the pool's status says of its scope. One that it may not use is not recorded: from then on it would
 * count as the one that the pool was made in.
 */
export function recordedScope(
  before: ResolvedScope | undefined,
  resolved: ScopeResolution,
  refusal: Refusal | undefined,
): { scope?: ResolvedScope } {
  if ('scope' in resolved && refusal === undefined) return { scope: resolved.scope };
  return before === undefined ? {} : { scope: before };
}

/** Azure ignores case in subscription and group names. */
function differences(recorded: ResolvedScope, now: ResolvedScope): string | undefined {
  for (const field of ['subscriptionId', 'resourceGroup', 'location'] as const) {
    if (recorded[field].toLowerCase() !== now[field].toLowerCase())
      return `${field} ${recorded[field]}`;
  }
  const zones = (scope: ResolvedScope): string => [...scope.zones].sort().join(', ');
  if (zones(recorded) !== zones(now)) return `zones ${zones(recorded) || 'none'}`;
  return undefined;
}
