// kubectl poolkeeper why <object>: explains an object's state in sentences.
import { events } from '../api/built-in.ts';
import { labels } from '../api/names.ts';
import type { AnyObject, Resource } from '../api/object.ts';
import * as resources from '../api/resources.ts';
import type { Command, Session } from './command.ts';
import { explain, type Related, type ShownEvent } from './explanation.ts';
import { parseTarget, type ShownObject } from './kinds.ts';
import { wrap } from './table.ts';

export const command: Command = {
  usage: 'why <kind>/<name>',
  summary: 'Explains why an object is in the state it is in',
  async run(session, words) {
    const { resource, name } = parseTarget(words);
    const namespace = resource.namespaced ? session.namespace : undefined;
    const object = await session.client.get(resource, { namespace, name });
    if (!object) {
      const where = namespace === undefined ? '' : ` in the namespace ${namespace}`;
      session.print(`There is no ${resource.kind} ${name}${where}.`);
      return 1;
    }
    const [related, shownEvents] = await Promise.all([
      relatedTo(session, object),
      eventsOf(session, object),
    ]);
    const nowMilliseconds = session.runtime.clock.now();
    const text = explain({ object, related, events: shownEvents, nowMilliseconds });
    session.print(wrap(text, Math.min(session.columns, 110)));
    return 0;
  },
};

async function eventsOf(session: Session, object: AnyObject): Promise<readonly ShownEvent[]> {
  const { name, namespace, uid } = object.metadata;
  // Events of cluster-scoped objects live in the namespace default.
  const found = await session.client
    .list(events, { namespace: namespace ?? 'default', fieldSelector: `regarding.name=${name}` })
    .catch(() => []);
  return found
    .filter(({ regarding }) => regarding?.uid === uid)
    .map(({ type, reason, note = '', series, eventTime }) => ({
      type,
      reason,
      note,
      time: (series?.lastObservedTime ?? eventTime ?? '').slice(0, 19),
      count: series?.count ?? 1,
    }))
    .sort((one, other) => one.time.localeCompare(other.time));
}

interface References {
  readonly instancePoolRef?: { readonly name: string };
  readonly poolRef?: { readonly name: string };
  readonly claimRef?: { readonly name: string };
  readonly nodeName?: string;
  readonly volume?: { readonly new?: { readonly poolRef: { readonly name: string } } };
  readonly backendRef?: { readonly name: string };
}

async function relatedTo(session: Session, object: ShownObject): Promise<readonly Related[]> {
  const spec = (object.spec ?? {}) as References & Record<string, References | undefined>;
  const status = object.status as
    | { readonly instance?: { readonly name: string }; readonly volume?: { readonly name: string } }
    | undefined;
  const poolOf: Readonly<Record<string, Resource<AnyObject>>> = {
    PoolInstance: resources.instancePools,
    PoolVolume: resources.volumePools,
    NodeMount: resources.storagePools,
  };
  const backend = spec[String(spec['type'])]?.backendRef;
  const wanted: (readonly [string, Resource<AnyObject>, string | undefined])[] = [
    ['Its pool,', resources.instancePools, spec.instancePoolRef?.name],
    ['Its pool,', poolOf[object.kind] ?? resources.storagePools, spec.poolRef?.name],
    ['The pool of its volume,', resources.volumePools, spec.volume?.new?.poolRef.name],
    ['Its instance,', resources.poolInstances, status?.instance?.name],
    ['Its volume,', resources.poolVolumes, status?.volume?.name],
    ['It belongs to', resources.instanceClaims, spec.claimRef?.name],
    ['Its backend,', resources.storageBackends, backend?.name],
  ];
  const singles = wanted.map(async ([as, resource, name]) => {
    if (name === undefined) return [];
    const { namespace } = object.metadata;
    const found = await session.client.get(resource, { namespace, name }).catch(() => undefined);
    return found ? [{ as, object: found as ShownObject }] : [];
  });
  return (await Promise.all([...singles, troubledChildren(session, object)])).flat();
}

const MAX_CHILDREN = 5;

/** Of a pool: the members, or mounts, that are not as they should be. */
async function troubledChildren(session: Session, object: ShownObject): Promise<Related[]> {
  const childrenOf: Readonly<Record<string, Resource<AnyObject>>> = {
    InstancePool: resources.poolInstances,
    VolumePool: resources.poolVolumes,
    StoragePool: resources.nodeMounts,
  };
  const resource = childrenOf[object.kind];
  if (!resource) return [];
  const { namespace, name } = object.metadata;
  const children = (await session.client
    .list(resource, { namespace, labelSelector: `${labels.pool}=${name}` })
    .catch(() => [])) as ShownObject[];
  return children
    .filter(({ status }) => ['Failed', 'Quarantined', 'Degraded'].includes(status?.phase ?? ''))
    .slice(0, MAX_CHILDREN)
    .map((child) => ({ as: 'Its', object: child }));
}
