// Claims whose instance may hold a volume too many: one that it got ahead of time and nobody owns, because
// a crash came before it was let go of, or a second one of the claim, which another operator gave it. They
// are noticed when it happens, so that nobody has to go through all claims again and again.
import type { DeepReadonly } from '../../api/object.ts';
import type { PoolInstance } from '../../api/pool-instance.ts';
import type { PoolVolume } from '../../api/pool-volume.ts';
import type { Key } from '../../kube/index.ts';
import type { Sources } from '../context.ts';
import { BY_CLAIM, BY_INSTANCE } from '../stores.ts';

export interface LooseEnds {
  /** Claims to be looked at, of whatever pool. */
  claims(): Iterable<Key>;
  /** Looked at, and found in order or gone. */
  settle(claim: Key): void;
}

export function noticeLooseEnds({ poolInstances, poolVolumes }: Sources): LooseEnds {
  const claims = new Set<Key>();
  const note = ({
    namespace,
    name,
  }: {
    readonly namespace: string;
    readonly name: string;
  }): void => {
    claims.add(`${namespace}/${name}`);
  };
  const onVolume = ({ spec }: DeepReadonly<PoolVolume>): void => {
    const { claimRef, instanceRef } = spec;
    if (claimRef && poolVolumes.byIndex(BY_CLAIM, claimRef.uid).length > 1) note(claimRef);
    const holder = claimRef || !instanceRef ? undefined : poolInstances.byUid(instanceRef.uid);
    if (holder?.spec.claimRef) note(holder.spec.claimRef);
  };
  const onInstance = ({ metadata, spec }: DeepReadonly<PoolInstance>): void => {
    if (!spec.claimRef) return;
    const held = poolVolumes.byIndex(BY_INSTANCE, metadata.uid);
    if (held.some((volume) => volume.spec.claimRef === undefined)) note(spec.claimRef);
  };
  poolVolumes.subscribe((type, volume) => {
    if (type !== 'delete') onVolume(volume);
  });
  poolInstances.subscribe((type, instance) => {
    if (type !== 'delete') onInstance(instance);
  });
  return {
    claims: () => claims,
    settle: (claim) => claims.delete(claim),
  };
}
