// What the pools of each namespace may name in Azure, as the controllers ask for it: by the configuration
// of this very moment, which may change while they run.
import type { InstancePool } from '../api/instance-pool.ts';
import type { VolumePool } from '../api/volume-pool.ts';
import { type Refusal, resolveScope } from '../plan/pool-scope.ts';
import { refusePool, type Tenancy } from '../plan/tenancy.ts';

export interface TenancySource {
  current(): Tenancy;
  /** Called after every change, from then on. */
  onChange(listener: () => void): void;
}

/** Everybody may use what the installation itself uses, and nothing else. */
export function fixedTenancy(tenancy: Tenancy): TenancySource {
  return { current: () => tenancy, onChange: () => {} };
}

/** Undefined when the pool may be worked for in Azure; a scope that can't be resolved refuses itself. */
export function refusalOf(
  { tenancy }: { readonly tenancy: TenancySource },
  pool: InstancePool | VolumePool,
): Refusal | undefined {
  const current = tenancy.current();
  const resolved = resolveScope(pool.spec.azure, pool.status?.scope, current.defaults);
  return 'scope' in resolved ? refusePool(pool, resolved.scope, current) : undefined;
}
