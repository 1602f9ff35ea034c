// Everything the plan of a golden snapshot is made from. Azure is asked only for what the present step
// depends on.
import { secrets } from '../../api/built-in.ts';
import type { VolumePool } from '../../api/volume-pool.ts';
import {
  type CallContext,
  type CloudScope,
  computeResourceId,
  type ObservedInstance,
  type OperationState,
} from '../../azure/port.ts';
import { type GoldenInput, partsToLookAt } from '../../plan/golden-snapshot.ts';
import { builderParts, goldenSnapshotName } from '../../plan/golden-snapshot-recipe.ts';
import { type BuildPart, type BuildSeen, NOTHING_SEEN } from '../../plan/golden-snapshot-step.ts';
import type { ControllerContext } from '../context.ts';
import { BY_POOL } from '../stores.ts';
import type { TcpProbe } from '../tcp-probe.ts';
import { refusalOf } from '../tenancy.ts';
import type { ImageVersions } from './image-versions.ts';
import type { SnapshotLooks } from './snapshot-looks.ts';

export interface Gathered extends GoldenInput {
  /** The builder machine with everything that a write needs. */
  readonly machine: ObservedInstance | undefined;
}

export interface GoldenSources {
  readonly looks: SnapshotLooks;
  readonly tcpProbe: TcpProbe;
  readonly images: ImageVersions;
}

export async function gather(
  context: ControllerContext,
  { looks, tcpProbe, images }: GoldenSources,
  pool: VolumePool,
  call: CallContext,
): Promise<Gathered> {
  const { cloud, installation, pollPace } = context;
  const operation = pool.status?.snapshotBuild?.operation;
  const refusal = refusalOf(context, pool);
  const isGoing = pool.metadata.deletionTimestamp !== undefined;
  const [seen, inUse, state, userData, imageVersion] = await Promise.all([
    lookAtParts(context, pool, call),
    lookAtSnapshotInUse(context, looks, pool, call),
    operation?.url ? cloud.poll(operation, call) : undefined,
    readUserData(context, pool),
    refusal || isGoing ? undefined : images.of(pool, cloud, call),
  ]);
  const machine = typeof seen.machine === 'object' ? (seen.machine as ObservedInstance) : undefined;
  return {
    pool,
    userData: userData?.text ?? (userData?.problem && { problem: userData.problem }),
    seen,
    inUse,
    operation: state && userData?.isSecret ? withoutSecrets(state, userData.text ?? '') : state,
    port: await probePort(tcpProbe, pool, machine, call),
    copied: copiedSnapshots(context, pool),
    installation,
    pollPace,
    refusal,
    imageVersion,
    machine,
  };
}

async function lookAtParts(
  { cloud }: ControllerContext,
  pool: VolumePool,
  call: CallContext,
): Promise<BuildSeen> {
  const { scope, snapshotBuild: build } = pool.status ?? {};
  if (!scope || !build) return NOTHING_SEEN;
  const names = builderParts(build.machine);
  const snapshot = goldenSnapshotName(pool, build.version);
  const readers: Readonly<Record<BuildPart, () => Promise<unknown>>> = {
    machine: () => cloud.get('instance', machineId(scope, names.machine), call),
    dataDisk: () => cloud.get('volume', diskId(scope, names.dataDisk), call),
    osDisk: () => cloud.get('volume', diskId(scope, names.osDisk), call),
    networkInterface: () => firstInterface(cloud, build.networkInterfaceIds ?? [], call),
    snapshot: () => cloud.get('snapshot', snapshotId(scope, snapshot), call),
  };
  const found = await Promise.all(
    partsToLookAt(pool).map(async (part) => [part, (await readers[part]()) ?? 'absent'] as const),
  );
  return { ...NOTHING_SEEN, ...Object.fromEntries(found) };
}

/** One after the other: they are deleted one after the other too. */
async function firstInterface(
  cloud: ControllerContext['cloud'],
  ids: readonly string[],
  call: CallContext,
): Promise<unknown> {
  for (const id of ids) {
    const found = await cloud.get('networkInterface', id, call);
    if (found) return found;
  }
  return undefined;
}

/** At most one call in ten intervals, and one when a disk could not be copied from it. */
async function lookAtSnapshotInUse(
  { cloud, stores }: ControllerContext,
  looks: SnapshotLooks,
  pool: VolumePool,
  call: CallContext,
): Promise<GoldenInput['inUse']> {
  const id = pool.status?.goldenSnapshot?.id;
  const { namespace, name } = pool.metadata;
  const isSettled = id !== undefined && pool.status?.snapshotBuild === undefined;
  if (!isSettled || pool.spec.goldenSnapshot.type !== 'Build') return 'unread';
  if (!looks.isDue(pool, stores.poolVolumes.byIndex(BY_POOL, `${namespace}/${name}`)))
    return 'unread';
  const seen = await cloud.get('snapshot', id, call);
  looks.looked(pool, id);
  return seen ?? 'absent';
}

interface UserDataRead {
  readonly text?: string;
  readonly problem?: string;
  readonly isSecret: boolean;
}

/** Secrets are read when they are needed and never kept. */
async function readUserData(
  { client }: ControllerContext,
  { metadata, spec }: VolumePool,
): Promise<UserDataRead | undefined> {
  const { goldenSnapshot } = spec;
  const userData = goldenSnapshot.type === 'Build' ? goldenSnapshot.build.userData : undefined;
  if (!userData) return undefined;
  if (userData.type === 'Inline') return { text: userData.inline.text, isSecret: false };
  const { name, key } = userData.secret;
  const secret = await client.get(secrets, { namespace: metadata.namespace, name });
  const value = secret?.data?.[key];
  if (value !== undefined)
    return { text: Buffer.from(value, 'base64').toString('utf8'), isSecret: true };
  const missing = secret ? `key ${key} in Secret ${name}` : `Secret ${name}`;
  const problem = `spec.goldenSnapshot.build.userData.secret: no ${missing}`;
  return { problem, isSecret: true };
}

/** Shorter lines, such as `#cloud-config` or `runcmd:`, are no secrets and would blot out too much. */
const SECRET_LENGTH_MIN = 12;

/** A script may print what the user data told the machine: lines and values of it are blotted out. */
function withoutSecrets(state: OperationState, secret: string): OperationState {
  if (state.state !== 'Succeeded' || typeof state.output !== 'object') return state;
  const words = secret
    .split(/\s+/)
    .map((word) => word.replace(/^["']|["',]$/g, ''))
    .filter(({ length }) => length >= SECRET_LENGTH_MIN);
  const blot = (text: unknown): unknown =>
    typeof text !== 'string'
      ? text
      : words.reduce((result, word) => result.replaceAll(word, '<redacted>'), text);
  const fields = Object.entries(state.output ?? {}).map(([name, text]) => [name, blot(text)]);
  return { ...state, output: Object.fromEntries(fields) };
}

async function probePort(
  tcpProbe: TcpProbe,
  { spec, status }: VolumePool,
  machine: ObservedInstance | undefined,
  { signal }: CallContext,
): Promise<GoldenInput['port']> {
  const { goldenSnapshot } = spec;
  if (goldenSnapshot.type !== 'Build' || goldenSnapshot.build.ready.type !== 'Tcp') return 'unread';
  if (status?.snapshotBuild?.step !== 'WaitingUntilReady' || !machine?.privateAddress)
    return 'unread';
  const { port } = goldenSnapshot.build.ready.tcp;
  return (await tcpProbe.isOpen(machine.privateAddress, port, signal)) ? 'open' : 'closed';
}

/** Snapshots that disks on their way are copies of, and those that other pools name. */
function copiedSnapshots({ stores }: ControllerContext, pool: VolumePool): Set<string> {
  const { namespace, name, uid } = pool.metadata;
  const onTheirWay = stores.poolVolumes
    .byIndex(BY_POOL, `${namespace}/${name}`)
    .filter(({ status }) => ['Pending', 'Creating'].includes(status?.phase ?? 'Pending'))
    .flatMap(({ spec }) => spec.source.snapshotId ?? []);
  const named = stores.volumePools
    .list()
    .filter((other) => other.metadata.uid !== uid)
    .flatMap(({ spec }) =>
      spec.goldenSnapshot.type === 'Existing' ? [spec.goldenSnapshot.existing.id] : [],
    );
  return new Set([...onTheirWay, ...named].map((id) => id.toLowerCase()));
}

export function machineId(scope: CloudScope, name: string): string {
  return computeResourceId(scope, 'virtualMachines', name);
}

export function diskId(scope: CloudScope, name: string): string {
  return computeResourceId(scope, 'disks', name);
}

export function snapshotId(scope: CloudScope, name: string): string {
  return computeResourceId(scope, 'snapshots', name);
}
