// The NodeMounts that a storage pool asks for: which nodes, under which names, with which spec. What
// this version can't make is refused here in words, so that no field of a pool is ever ignored.
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { NodeMount, NodeMountSpec } from '../api/node-mount.ts';
import type { StoragePool } from '../api/storage-pool.ts';
import { arrayNameFor } from './node-mount-identity.ts';
import type { Stall } from './pool-conditions.ts';

/** Whether a node's agent has renewed its Lease lately; `absent`: there is no Lease. */
export type AgentSeen =
  | { readonly state: 'ready' | 'absent' }
  /** `lastRenewedAt` is what the Lease says, RFC 3339. */
  | { readonly state: 'silent'; readonly lastRenewedAt?: string | undefined };

export interface NodeSeen {
  readonly name: string;
  /** Undefined when the cluster has no Node of that name. */
  readonly node:
    | { readonly uid: string; readonly labels: Readonly<Record<string, string>> }
    | undefined;
  /** Whether its agent has ever reported: the StorageNode is there. */
  readonly hasInventory: boolean;
  readonly agent: AgentSeen;
}

/** The part of a pool's spec that this version refuses, or undefined when it can do all of it. */
export function refusalOf({ metadata, spec }: StoragePool): Stall | undefined {
  const refuse = (what: string): Stall => ({
    reason: 'InvalidSpec',
    message: `${what} is not supported by this version`,
  });
  if (spec.type !== 'mdadm' && spec.type !== 'nfs') return refuse(`spec.type ${spec.type}`);
  if (spec.type === 'mdadm' && spec.mdadm.source.type === 'Volumes')
    return refuse('spec.mdadm.source.type Volumes');
  if (spec.type === 'nfs' && spec.nfs.backendRef)
    return {
      reason: 'InvalidSpec',
      message: `spec.nfs.backendRef is not supported by this version: set server and exportPath`,
    };
  if (spec.expose) return refuse('spec.expose');
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
  if (spec.type === 'mdadm')
    return nodes.filter(
      ({ name, hasInventory, node, agent }) =>
        name === spec.mdadm.nodeName && hasInventory && (node || agent.state === 'ready'),
    );
  if (spec.type !== 'nfs') return [];
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
}

/**
 * Undefined for what this version can't make. Every field is written out, so that nothing hangs on
 * defaults. Unconfirmed, Destroy is Retain.
 */
export function nodeMountSpec(wish: MountWish): NodeMountSpec | undefined {
  const { pool, nodeName, nodeUid } = wish;
  const { spec, metadata } = pool;
  const isConfirmed = spec.confirmDestroy === metadata.name;
  const shared = {
    nodeName,
    ...(nodeUid === undefined ? {} : { nodeUid }),
    poolRef: { name: metadata.name, uid: metadata.uid },
    ...(spec.mountPath === undefined ? {} : { mountPath: spec.mountPath }),
    deletionPolicy: isConfirmed ? spec.deletionPolicy : ('Retain' as const),
    holdsData: wish.wasActive || adopts(pool),
  };
  if (spec.type === 'nfs') {
    const { server, exportPath, version, options } = spec.nfs;
    if (server === undefined || exportPath === undefined) return undefined;
    return { type: 'nfs', nfs: { server, exportPath, version, options }, ...shared };
  }
  if (spec.type !== 'mdadm' || spec.mdadm.source.type === 'Volumes') return undefined;
  const { source, level, spares, filesystem, chunkKiB, mkfsOptions } = spec.mdadm;
  return {
    type: 'mdadm',
    mdadm: {
      arrayName: arrayNameFor(metadata.uid),
      level,
      devices: source.type === 'Devices' ? source.devices : [],
      spares,
      ...(source.type === 'Adopt' ? { adoptArrayUUID: source.adopt.arrayUUID } : {}),
      filesystem,
      ...(chunkKiB === undefined ? {} : { chunkKiB }),
      ...(mkfsOptions === undefined ? {} : { mkfsOptions }),
      options: [],
    },
    ...shared,
  };
}

/** The bytes of an adopted array were somebody's before the pool was there. */
function adopts({ spec }: StoragePool): boolean {
  return spec.type === 'mdadm' && spec.mdadm.source.type === 'Adopt';
}

/**
 * What has to be written to bring a mount's spec in step with its pool: the fields that may change,
 * and of those only the ones that differ. Undefined when none does.
 */
export function mountChanges(
  mount: NodeMount,
  pool: StoragePool,
  wasActive: boolean,
): Record<string, unknown> | undefined {
  const { nodeName, nodeUid, holdsData } = mount.spec;
  const wanted = nodeMountSpec({ pool, nodeName, nodeUid, wasActive: wasActive || holdsData });
  if (!wanted) return undefined;
  const changes: Record<string, unknown> = {
    ...differing(mount.spec, wanted, ['deletionPolicy', 'holdsData']),
  };
  // What is being undone is undone as it was made; only its bytes may still be decided on.
  if (mount.metadata.deletionTimestamp === undefined) {
    const branch =
      wanted.type === 'mdadm' && mount.spec.type === 'mdadm'
        ? differing(mount.spec.mdadm, wanted.mdadm, ['devices', 'spares'])
        : wanted.type === 'nfs' && mount.spec.type === 'nfs'
          ? differing(mount.spec.nfs, wanted.nfs, ['version', 'options'])
          : {};
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
      .map((field) => [field, wanted[field]]),
  );
}
