// kubectl poolkeeper status: every pool, claim and backend at a glance, the troubled ones explained.
import type { InstancePool } from '../api/instance-pool.ts';
import type { DeepReadonly } from '../api/object.ts';
import {
  instanceClaims,
  instancePools,
  storageBackends,
  storageNodes,
  storagePools,
  volumePools,
} from '../api/resources.ts';
import type { StorageBackend } from '../api/storage-backend.ts';
import type { StoragePool } from '../api/storage-pool.ts';
import type { VolumePool } from '../api/volume-pool.ts';
import type { Command, Session } from './command.ts';
import type { ShownObject } from './kinds.ts';
import { formatTable, type Row, shorten } from './table.ts';
import { UsageError } from './usage-error.ts';

const MESSAGE_LENGTH = 80;

export const command: Command = {
  usage: 'status',
  summary: 'Pools, claims, storage and backends at a glance',
  async run(session, words) {
    if (words.length > 0) throw new UsageError(`status takes no ${words[0]}`);
    session.print(await statusText(session));
    return 0;
  },
};

async function statusText(session: Session): Promise<string> {
  const { client } = session;
  const where = session.allNamespaces ? {} : { namespace: session.namespace };
  const [instances, volumes, claims, storage, backends, nodes] = await Promise.all([
    client.list(instancePools, where),
    client.list(volumePools, where),
    client.list(instanceClaims, where),
    client.list(storagePools, where),
    client.list(storageBackends, where),
    // Nodes are cluster-wide; who may read only a namespace still gets the rest.
    client.list(storageNodes).catch(() => []),
  ]);
  const sections = [
    section('INSTANCE POOL', POOL_COLUMNS, instances.map(poolRow)),
    section('VOLUME POOL', POOL_COLUMNS, volumes.map(poolRow)),
    claimSection(claims as ShownObject[]),
    section('STORAGE POOL', ['TYPE', 'NODE', 'PHASE', 'SIZE', 'USED'], storage.map(storageRow)),
    section('BACKEND', ['TYPE', 'STATE', 'LATENCY', 'CAPACITY'], backends.map(backendRow)),
    section('NODE', ['DISKS', 'ELIGIBLE'], nodes.map(nodeRow)),
  ].filter((text) => text !== '');
  const place = session.allNamespaces ? 'any namespace' : `the namespace ${session.namespace}`;
  if (sections.length === 0) return `Nothing of Poolkeeper in ${place} (-A for all of them).`;
  return sections.join('\n\n');
}

const POOL_COLUMNS = ['FREE', 'WANTED', 'CREATING', 'IN USE', 'FAILED', 'TOTAL'];

function section(title: string, columns: readonly string[], rows: readonly Row[]): string {
  if (rows.length === 0) return '';
  return formatTable([title, ...columns, 'READY', 'MESSAGE'], rows);
}

function poolRow(pool: DeepReadonly<InstancePool | VolumePool>): Row {
  const { status } = pool;
  const { minFree, maxFree, maxTotal } = pool.spec.scaling;
  const used =
    status && ('attached' in status ? status.attached + status.retained : status.claimed);
  const failed = status && status.failed + status.quarantined;
  return [
    nameOf(pool),
    status?.free,
    `${minFree}–${maxFree}`,
    status?.creating,
    used,
    failed,
    status && `${status.total}/${maxTotal}`,
    ...readiness(pool as DeepReadonly<ShownObject>),
  ];
}

/** Claims are many: how many are in each phase, and by name only those that are in trouble. */
function claimSection(claims: readonly ShownObject[]): string {
  if (claims.length === 0) return '';
  const phases = Map.groupBy(claims, ({ status }) => status?.phase ?? 'Pending');
  const counts = [...phases].map(([phase, of]) => `${of.length} ${phase}`).join(', ');
  const waiting = claims
    .filter(({ status }) => status?.phase !== 'Ready' && status?.phase !== 'Releasing')
    .slice(0, 20);
  const rows = waiting.map((claim) => [
    nameOf(claim),
    claim.status?.phase ?? 'Pending',
    ...readiness(claim),
  ]);
  const table = section('CLAIM', ['PHASE'], rows);
  return [`CLAIMS: ${claims.length} (${counts})`, table].filter((text) => text !== '').join('\n');
}

function storageRow(pool: DeepReadonly<StoragePool>): Row {
  const summary = pool.status?.summary;
  return [
    nameOf(pool),
    pool.spec.type,
    summary?.node,
    pool.status?.phase ?? 'Pending',
    summary?.size,
    summary?.used,
    ...readiness(pool as DeepReadonly<ShownObject>),
  ];
}

function backendRow(backend: DeepReadonly<StorageBackend>): Row {
  const summary = backend.status?.summary;
  return [
    nameOf(backend),
    backend.spec.type,
    backend.status?.phase ?? 'Unknown',
    summary?.latency,
    summary?.capacity,
    ...readiness(backend as DeepReadonly<ShownObject>),
  ];
}

function nodeRow(
  node: DeepReadonly<ShownObject & { status?: { deviceCount?: number; eligibleCount?: number } }>,
): Row {
  const { deviceCount, eligibleCount } = node.status ?? {};
  return [node.metadata.name, deviceCount, eligibleCount, ...readiness(node)];
}

function nameOf(object: DeepReadonly<{ metadata: { name: string; namespace?: string } }>): string {
  const { namespace, name } = object.metadata;
  return namespace === undefined ? name : `${namespace}/${name}`;
}

/** Ready and, where it isn't, why: what is fine needs no words. */
function readiness(object: DeepReadonly<ShownObject>): [string, string] {
  const ready = object.status?.conditions?.find(({ type }) => type === 'Ready');
  if (!ready) return ['Unknown', 'nothing has looked at it yet'];
  const message = ready.status === 'True' ? '' : `${ready.reason}: ${ready.message}`;
  return [ready.status, shorten(message, MESSAGE_LENGTH)];
}
