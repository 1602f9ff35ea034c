// The NodeMounts that a storage pool asks for: which nodes, under which names, with which spec. What
// this version can't make is refused here in words, so that no field of a pool is ever ignored.
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { NodeMount, NodeMountSpec } from '../api/node-mount.ts';
import type { StoragePool } from '../api/storage-pool.ts';
import type { Stall } from './pool-conditions.ts';
import { branchOf } from './storage-pool-branch.ts';
import type { StorageSources } from './storage-pool-sources.ts';

/** Whether a node's agent has renewed its Lease lately; `absent`: there is no Lease. */
export type AgentSeen =
  | { readonly state: 'ready' | 'absent' }
  /** `lastRenewedAt` is what the Lease says, RFC 3339. */
  | { readonly state: 'silent'; readonly lastRenewedAt?: string | undefined };

export interface NodeSeen {
  readonly name: string;
  /** Undefined when the cluster has no Node of that name. */
  readonly node:
    | {
        readonly uid: string;
        readonly labels: Readonly<Record<string, string>>;
        /** What the cloud calls the machine that it runs on. */
        readonly providerId?: string | undefined;
        /** Somebody has vouched with a taint that the machine is off. */
        readonly isOutOfService?: boolean;
      }
    | undefined;
  /** Whether its agent has ever reported: the StorageNode is there. */
  readonly hasInventory: boolean;
  readonly agent: AgentSeen;
}

/** The part of a pool's spec that this version refuses, or undefined when it can do all of it. */
export function refusalOf(pool: StoragePool): Stall | undefined {
  const { metadata, spec } = pool;
  const refusal = branchOf(spec).refusal(pool);
  if (refusal) return refusal;
  // Admission refuses this already; an older object may have come past it.
  if (spec.deletionPolicy === 'Destroy' && spec.confirmDestroy !== metadata.name)
    return {
      reason: 'InvalidSpec',
      message: `spec.confirmDestroy must be ${metadata.name} when spec.deletionPolicy is Destroy`,
    };
  return undefined;
}

/** The nodes that should have it, in the order of their names. */
export function targetNodes({ spec }: StoragePool, nodes: readonly NodeSeen[]): NodeSeen[] {
  const nodeName = branchOf(spec).nodeName(spec);
  if (nodeName !== undefined)
    return nodes.filter(
      ({ name, hasInventory, node, agent }) =>
        name === nodeName && hasInventory && (node || agent.state === 'ready'),
    );
  const wanted = Object.entries(spec.nodeSelector ?? {});
  return nodes
    .filter(({ hasInventory, node }) => hasInventory && node !== undefined)
    .filter(({ node }) => wanted.every(([label, value]) => node?.labels[label] === value))
    .sort((one, other) => (one.name < other.name ? -1 : 1));
}

const NAME_MAX_LENGTH = 253;
const HASH_LENGTH = 12;

/**
 * `<pool>.<node>`. A pool whose own name has a dot could meet another pool's mount there, and long
 * names don't fit: both get a hash of the pair instead.
 */
export function nodeMountName(poolName: string, nodeName: string): string {
  const plain = `${poolName}.${nodeName}`;
  if (!poolName.includes('.') && plain.length <= NAME_MAX_LENGTH) return plain;
  const digest = createHash('sha256').update(`${poolName}\0${nodeName}`).digest('hex');
  const readable = plain.replaceAll('.', '-').slice(0, NAME_MAX_LENGTH - HASH_LENGTH - 1);
  return `${readable}-${digest.slice(0, HASH_LENGTH)}`;
}

interface MountWish {
  readonly pool: StoragePool;
  readonly nodeName: string;
  readonly nodeUid: string | undefined;
  /** The pool has been Active. */
  readonly wasActive: boolean;
  readonly sources: StorageSources;
}

/** Undefined while it isn't known what to ask for. Unconfirmed, Destroy is Retain. */
export function nodeMountSpec(wish: MountWish): NodeMountSpec | undefined {
  const { pool, nodeName, nodeUid, sources } = wish;
  const { spec, metadata } = pool;
  const wanted = branchOf(spec).mountBranch(pool, sources);
  if (!wanted) return undefined;
  return {
    ...wanted,
    nodeName,
    ...(nodeUid === undefined ? {} : { nodeUid }),
    poolRef: { name: metadata.name, uid: metadata.uid },
    ...(spec.mountPath === undefined ? {} : { mountPath: spec.mountPath }),
    ...protection(pool, wish.wasActive),
  };
}

/** What decides about the bytes; known also while nothing else is. */
function protection(
  pool: StoragePool,
  wasActive: boolean,
): Pick<NodeMountSpec, 'deletionPolicy' | 'holdsData'> {
  const { spec, metadata } = pool;
  const isConfirmed = spec.confirmDestroy === metadata.name;
  return {
    deletionPolicy: isConfirmed ? spec.deletionPolicy : 'Retain',
    holdsData: wasActive || branchOf(spec).holdsDataFromTheStart(pool),
  };
}

/**
 * What has to be written to bring a mount's spec in step with its pool: the fields that may change,
 * and of those only the ones that differ. Undefined when none does.
 */
export function mountChanges(
  mount: NodeMount,
  { pool, wasActive, sources }: Pick<MountWish, 'pool' | 'wasActive' | 'sources'>,
): Record<string, unknown> | undefined {
  const { nodeName, nodeUid, holdsData } = mount.spec;
  const isWorthKeeping = wasActive || holdsData;
  if (pool.spec.type !== mount.spec.type) return undefined;
  const wanted = nodeMountSpec({ pool, nodeName, nodeUid, wasActive: isWorthKeeping, sources });
  const changes: Record<string, unknown> = {
    ...differing<Partial<NodeMountSpec>>(mount.spec, protection(pool, isWorthKeeping), [
      'deletionPolicy',
      'holdsData',
    ]),
  };
  // What is being undone is undone as it was made; only its bytes may still be decided on.
  if (wanted && mount.metadata.deletionTimestamp === undefined) {
    const member = (spec: NodeMountSpec): Record<string, unknown> =>
      (spec as unknown as Record<string, Record<string, unknown>>)[spec.type]!;
    const { changeable } = branchOf(pool.spec);
    const branch = differing(member(mount.spec), member(wanted), changeable);
    if (Object.keys(branch).length > 0) changes[wanted.type] = branch;
  }
  return Object.keys(changes).length > 0 ? changes : undefined;
}

function differing<T extends object>(
  actual: T,
  wanted: T,
  fields: readonly (keyof T & string)[],
): Record<string, unknown> {
  return Object.fromEntries(
    fields
      .filter((field) => !isDeepStrictEqual(actual[field], wanted[field]))
      // A field that is gone from the pool goes from the mount as well.
      .map((field) => [field, wanted[field] ?? null]),
  );
}
