// What a golden snapshot is made from and what everything of its build is called. A snapshot's name is a
// function of the pool's uid and the recipe, so building is idempotent and one pool's clean-up can't hit
// another's. A builder machine's name has the time of its attempt in it and is never used twice, so that a
// late delete can't hit a successor.
import type { SnapshotBuild } from '../api/golden-snapshot.ts';
import type { GoldenSnapshot, VolumePool } from '../api/volume-pool.ts';
import { revisionOf } from './canonical.ts';
import { exactImage } from './golden-snapshot-image.ts';

export type Recipe = Extract<GoldenSnapshot, { type: 'Build' }>['build'];

/** Changes when our own preparation of the disk does: then every recipe is a new version. */
const PREPARATION = 1;

/**
 * The version that the pool's recipe asks for; undefined without one. In it is all that determines the
 * bytes: neither the subnet nor the way of waiting does. `imageVersion` is what a floating image means now.
 */
export function wantedVersion(
  { spec }: VolumePool,
  userData: string | undefined,
  imageVersion?: string | undefined,
) {
  if (spec.goldenSnapshot.type !== 'Build') return undefined;
  const { image, vmSize, script, dataDiskMountPath } = spec.goldenSnapshot.build;
  const { sizeGiB } = spec.volume;
  return revisionOf({
    preparation: PREPARATION,
    image: exactImage(image, imageVersion),
    vmSize,
    script,
    userData,
    dataDiskMountPath,
    sizeGiB,
  });
}

/** 80 characters are Azure's limit for disks and snapshots, 64 for the machine's own idea of its name. */
export function builderName({ metadata }: VolumePool, version: string, now: number): string {
  return `pktmp-${shortUid(metadata.uid)}-${version}-${Math.floor(now / 1000).toString(36)}`;
}

export function goldenSnapshotName({ metadata }: VolumePool, version: string): string {
  return `pkgold-${shortUid(metadata.uid)}-${version}`;
}

/** The disks of a builder machine, by the names that we give them. NICs are named by Azure. */
export function builderParts(machine: string) {
  return {
    machine,
    dataDisk: `${machine}-data`,
    osDisk: `${machine}-os`,
  };
}

/** True for whatever in Azure this pool's builds have a use for: it is nobody's garbage. */
export function isOfBuild({ spec, status }: VolumePool, name: string): boolean {
  const lowered = name.toLowerCase();
  const { snapshotBuild: build, builtSnapshots = [], goldenSnapshot } = status ?? {};
  if (build && lowered.startsWith(build.machine.toLowerCase())) return true;
  if (build && lowered.startsWith('pkgold-') && lowered.endsWith(build.version)) return true;
  const { goldenSnapshot: asked } = spec;
  const ids = [
    goldenSnapshot?.id,
    // A snapshot that was built here once and is now named by the spec has become the user's.
    asked.type === 'Existing' ? asked.existing.id : undefined,
    ...builtSnapshots.map(({ id }) => id),
  ];
  return ids.some((id) => id?.toLowerCase().endsWith(`/${lowered}`));
}

/** The tags by which leftovers are recognised; their uid is that of the pool. */
export function buildTags(
  { metadata }: VolumePool,
  build: Pick<SnapshotBuild, 'version' | 'startedAt'>,
  options: { readonly installation: string; readonly role: 'temp' | 'golden' },
): Record<string, string> {
  const tags: Record<string, string> = {
    installation: options.installation,
    role: options.role,
    pool: metadata.name,
    'pool-namespace': metadata.namespace,
    uid: metadata.uid,
    version: build.version,
    created: build.startedAt,
  };
  return Object.fromEntries(
    Object.entries(tags).map(([name, value]) => [`poolkeeper:${name}`, value.slice(0, 256)]),
  );
}

/** Twelve of its 32 hex digits: chance never makes two pools of one group meet. */
function shortUid(uid: string): string {
  return uid.replaceAll('-', '').slice(0, 12).toLowerCase();
}
