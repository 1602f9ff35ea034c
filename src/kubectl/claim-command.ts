// kubectl poolkeeper claim <instancepool>: claims an instance and waits until it may be used.
import { parseDuration } from '../api/duration.ts';
import type { InstanceClaim } from '../api/instance-claim.ts';
import type { DeepReadonly } from '../api/object.ts';
import { instanceClaims, instancePools, poolVolumes } from '../api/resources.ts';
import { randomUuid } from '../runtime/random.ts';
import { type Command, type Options, type Session, textOption } from './command.ts';
import { UsageError } from './usage-error.ts';
import { watchUntil } from './watching.ts';

export const command: Command = {
  usage: 'claim <instancepool>',
  summary: 'Claims an instance and waits until it is Ready',
  options: {
    name: { type: 'string' },
    'volume-pool': { type: 'string' },
    volume: { type: 'string' },
    ttl: { type: 'string' },
    'no-wait': { type: 'boolean' },
  },
  optionHelp: {
    name: 'Name of the claim; default: made from that of the pool',
    'volume-pool': 'With a fresh volume of this VolumePool',
    volume: 'With this retained PoolVolume',
    ttl: 'Released after this long, such as 8h',
    'no-wait': 'Only create the claim',
  },
  timeout: '10m',
  async run(session, [pool, ...more], options) {
    if (!pool || more.length > 0) throw new UsageError('claim needs the name of one InstancePool');
    const { namespace } = session;
    if (!(await session.client.get(instancePools, { namespace, name: pool })))
      throw new UsageError(`there is no InstancePool ${pool} in the namespace ${namespace}`);
    const name =
      textOption(options, 'name') ?? `${pool}-${randomUuid(session.runtime.random).slice(0, 5)}`;
    await session.client.create(instanceClaims, {
      metadata: { namespace, name },
      spec: {
        instancePoolRef: { name: pool },
        ...(await volumeOf(session, options)),
        ...ttlOf(options),
      },
    });
    session.print(`instanceclaim.poolkeeper.dev/${name} created`);
    return options['no-wait'] ? 0 : waitUntilReady(session, name);
  },
};

async function volumeOf(session: Session, options: Options): Promise<object> {
  const poolName = textOption(options, 'volume-pool');
  const volumeName = textOption(options, 'volume');
  if (poolName && volumeName) throw new UsageError('choose --volume-pool or --volume, not both');
  if (poolName) return { volume: { type: 'New', new: { poolRef: { name: poolName } } } };
  if (!volumeName) return {};
  const reference = { namespace: session.namespace, name: volumeName };
  const volume = await session.client.get(poolVolumes, reference);
  if (!volume) throw new UsageError(`there is no PoolVolume ${volumeName}`);
  const existing = { name: volumeName, uid: volume.metadata.uid };
  return { volume: { type: 'Existing', existing } };
}

function ttlOf(options: Options): object {
  const ttl = textOption(options, 'ttl');
  if (ttl === undefined) return {};
  try {
    parseDuration(ttl);
  } catch {
    throw new UsageError(`--ttl: ${ttl} is not a duration such as 8h`);
  }
  return { ttl };
}

async function waitUntilReady(session: Session, name: string): Promise<number> {
  const reference = { namespace: session.namespace, name };
  let said = '';
  const exitCode = await watchUntil(session, { resource: instanceClaims, reference }, (claim) => {
    if (!claim) return undefined;
    const { phase } = claim.status ?? {};
    if (phase === 'Ready') {
      session.print(readyText(claim));
      return 0;
    }
    const message = claim.status?.conditions.find(({ type }) => type === 'Ready')?.message ?? '';
    if (message !== said && message !== '') session.print(`${phase}: ${message}`);
    said = message;
    return phase === 'Failed' ? 1 : undefined;
  });
  if (exitCode !== undefined) return exitCode;
  session.print(`Not Ready yet; the claim stays: kubectl poolkeeper why iclaim/${name}`);
  return 1;
}

function readyText(claim: DeepReadonly<InstanceClaim>): string {
  const { instance, volume, bindLatencyMilliseconds, readyLatencyMilliseconds } = claim.status!;
  const device = volume?.devicePath ? ` at ${volume.devicePath}` : '';
  const disk = volume ? `, volume ${volume.name}${device}` : '';
  const times = `bound in ${bindLatencyMilliseconds} ms, ready in ${readyLatencyMilliseconds} ms`;
  return `Ready: ${instance?.name} at ${instance?.address ?? '(no address)'}${disk} (${times})`;
}
