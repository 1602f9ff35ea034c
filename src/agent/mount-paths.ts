// Which of a node's mounts a path belongs to. Two pools may name the same path, or one a path above
// another's: mounted over each other the one would hide the other, and undoing one would unmount both.
import type { NodeMount } from '../api/node-mount.ts';
import type { DeepReadonly } from '../api/object.ts';
import type { Journal } from './journal.ts';

type Mount = DeepReadonly<NodeMount>;

/** Where a mount is wanted, unless it is a directory that is there already. */
export function mountPathOf({ metadata, spec }: Mount, root: string): string {
  return spec.mountPath ?? `${root}/mounts/${metadata.namespace}/${spec.poolRef.name}`;
}

/**
 * The other pool to which the path of a mount belongs, in words; undefined when it is its own. Who
 * has made a mount point there keeps it; of those that have not, the oldest is first.
 */
export function pathTakenBy(
  mount: Mount,
  others: readonly Mount[],
  { journal, root }: { readonly journal: Journal; readonly root: string },
): string | undefined {
  if (mount.spec.type === 'local') return undefined;
  const path = mountPathOf(mount, root);
  const rivals = others.filter(
    (other) =>
      other.metadata.uid !== mount.metadata.uid &&
      other.spec.type !== 'local' &&
      overlap(mountPathOf(other, root), path),
  );
  const first = rivals.find((other) => comesBefore(other, mount, journal));
  if (!first) return undefined;
  const { namespace } = first.metadata;
  return `StoragePool ${namespace}/${first.spec.poolRef.name} at ${mountPathOf(first, root)}`;
}

function overlap(one: string, other: string): boolean {
  return one === other || one.startsWith(`${other}/`) || other.startsWith(`${one}/`);
}

function comesBefore(one: Mount, other: Mount, journal: Journal): boolean {
  const [hasOne, hasOther] = [hasMade(one, journal), hasMade(other, journal)];
  if (hasOne !== hasOther) return hasOne;
  return ageOf(one) < ageOf(other);
}

function hasMade({ metadata }: Mount, journal: Journal): boolean {
  const entry = journal.get(metadata.uid);
  return entry !== undefined && entry.mountPoint !== 'none' && !entry.cleanedUp;
}

function ageOf({ metadata }: Mount): string {
  return `${metadata.creationTimestamp} ${metadata.uid}`;
}
