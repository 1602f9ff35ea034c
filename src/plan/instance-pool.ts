// What a warm pool of VMs does next: resolve its scope, then keep the number of free VMs within bounds.
import type { InstancePool, InstancePoolStatus, InstanceTemplate } from '../api/instance-pool.ts';
import type { PoolInstance } from '../api/pool-instance.ts';
import type { PoolVolume } from '../api/pool-volume.ts';
import { revisionOf } from './canonical.ts';
import { isCapacityRefusal, rememberRefusals, supplyOf, type UnavailableSize } from './capacity.ts';
import type { PoolDiscovery } from './discovery.ts';
import { decidePool, type PoolStep } from './pool.ts';
import { poolConditions } from './pool-conditions.ts';
import {
  type InstallationDefaults,
  type Refusal,
  recordedScope,
  resolveScope,
} from './pool-scope.ts';
import { choosePrewarms } from './prewarm.ts';
import { isEvicted } from './spot.ts';
import type { PoolPlan } from './volume-pool.ts';

export interface InstancePoolSnapshot {
  readonly pool: InstancePool;
  readonly members: readonly PoolInstance[];
  /** Claims of this pool that have no instance. */
  readonly waitingClaims: number;
  /** All volumes of the pool that prewarmed ones come from; empty without prewarming. */
  readonly prewarmVolumes: readonly PoolVolume[];
  readonly defaults: InstallationDefaults;
  /** What the installation's configuration says against it. */
  readonly refusal?: Refusal | undefined;
  readonly discovery?: PoolDiscovery | undefined;
}

export const EMPTY_INSTANCE_POOL_STATUS: InstancePoolStatus = {
  conditions: [],
  free: 0,
  prewarmed: 0,
  creating: 0,
  claimed: 0,
  releasing: 0,
  deleting: 0,
  failed: 0,
  quarantined: 0,
  total: 0,
  waitingClaims: 0,
  outdated: 0,
  unavailableSizes: [],
  recentActions: [],
};

export function planInstancePool(
  snapshot: InstancePoolSnapshot,
  now: number,
): PoolPlan<InstancePoolStatus> {
  const { pool, members, waitingClaims } = snapshot;
  const { spec, metadata } = pool;
  const before = pool.status ?? EMPTY_INSTANCE_POOL_STATUS;
  const resolved = resolveScope(spec.azure, before.scope, snapshot.defaults);
  const stall = 'scope' in resolved ? snapshot.refusal : resolved;
  const revision = templateRevision(spec.template);
  const { failed, outdated, prewarmed } = survey(members, revision);
  const unavailableSizes = rememberRefusals(before.unavailableSizes, failed, now);
  const supply = supplyOf(
    spec.template.vmSizes,
    'scope' in resolved ? resolved.scope.zones : [],
    unavailableSizes,
  );
  const decision = decidePool(
    {
      metadata,
      scaling: spec.scaling,
      memory: before,
      members,
      waitingClaims,
      zones: supply.zones,
      createNotBefore: supply.notBefore,
      isExcused: (member) => isCapacityRefusal(member as PoolInstance),
      blocked: stall !== undefined,
      paused: spec.paused,
      deletionPolicy: spec.deletionPolicy,
      outdated,
      discovery: snapshot.discovery,
    },
    now,
  );
  const { scaling, paused } = spec;
  const conditions = poolConditions(
    {
      metadata,
      before: before.conditions,
      scaling,
      decision,
      waitingClaims,
      paused,
      stall,
      refusal: describeRefusals(unavailableSizes),
      discovery: snapshot.discovery,
    },
    now,
  );
  const count = (role: Parameters<typeof decision.roles.get>[0]): number =>
    decision.roles.get(role) ?? 0;
  return {
    steps: [...decision.steps, ...prewarmSteps(snapshot)],
    because: decision.scaling.because,
    status: {
      ...before,
      ...decision.memory,
      conditions,
      observedGeneration: metadata.generation,
      free: count('free'),
      prewarmed,
      creating: count('creating'),
      claimed: count('claimed'),
      releasing: count('releasing'),
      deleting: count('deleting'),
      failed: count('failed'),
      quarantined: count('quarantined'),
      total: members.length,
      waitingClaims,
      unavailableSizes,
      templateRevision: revision,
      outdated: decision.outdated,
      ...recordedScope(before.scope, resolved, snapshot.refusal),
    },
    ...(decision.waitMilliseconds === undefined
      ? {}
      : { waitMilliseconds: decision.waitMilliseconds }),
  };
}

interface Survey {
  /** Refused, broken or taken back by Azure. */
  readonly failed: readonly PoolInstance[];
  /** Names of those that another template made. */
  readonly outdated: ReadonlySet<string>;
  readonly prewarmed: number;
}

function survey(members: readonly PoolInstance[], revision: string): Survey {
  const failed: PoolInstance[] = [];
  const outdated = new Set<string>();
  let prewarmed = 0;
  for (const member of members) {
    const isFailed = member.status?.phase === 'Failed' || isEvicted(member);
    if (isFailed && member.metadata.deletionTimestamp === undefined) failed.push(member);
    if (member.spec.templateRevision !== revision) outdated.add(member.metadata.name);
    if (isPrewarmed(member)) prewarmed++;
  }
  return { failed, outdated, prewarmed };
}

function prewarmSteps({ pool, members, prewarmVolumes }: InstancePoolSnapshot): PoolStep[] {
  const { prewarm, paused } = pool.spec;
  if (!prewarm || paused || pool.metadata.deletionTimestamp !== undefined) return [];
  const pairs = choosePrewarms({
    count: prewarm.count,
    instances: members,
    volumes: prewarmVolumes,
  });
  return pairs.map((pair) => ({ type: 'prewarm', ...pair }));
}

function describeRefusals(
  unavailable: readonly UnavailableSize[],
): { code: string; message: string } | undefined {
  const [first] = unavailable;
  if (!first) return undefined;
  const all = unavailable.map(
    ({ vmSize, zone, reason, until }) =>
      `${vmSize}${zone === undefined ? '' : ` in zone ${zone}`}: ${reason}, passed over until ${until}`,
  );
  return { code: first.reason, message: `${all.join('; ')}. Azure says: ${first.message}` };
}

function isPrewarmed({ spec, status }: PoolInstance): boolean {
  return spec.claimRef === undefined && status?.phase === 'Free' && status.volumes.length > 0;
}

/** Ten characters that change with anything that makes a machine different. */
export function templateRevision(template: InstanceTemplate): string {
  return revisionOf(template);
}
