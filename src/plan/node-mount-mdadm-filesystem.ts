// The filesystem on an array: made once on an empty one, recognised by its UUID ever after.
import { derivedUuid, isSameUuid } from './node-mount-identity.ts';
import {
  type ArrayFacts,
  arrayUuidOf,
  type MdadmFacts,
  type MdadmIntent,
} from './node-mount-mdadm-facts.ts';
import { type NodeMountPlan, refuse, step } from './node-mount-step.ts';

/** Undefined once the array holds the filesystem it should. */
export function planFilesystem(
  intent: MdadmIntent,
  facts: MdadmFacts,
  array: ArrayFacts,
): NodeMountPlan | undefined {
  const { filesystem: found, journal } = facts;
  const wasActive = journal.active || intent.wasActive;
  const arrayUuid = arrayUuidOf(intent);
  if (found.type === 'unknown')
    return refuse('DeviceUnreadable', `What ${array.path} holds can't be told: ${found.message}`);
  if (intent.adoptArrayUuid !== undefined) {
    if (found.type === 'found' && found.filesystem === intent.filesystem) return undefined;
    const what = found.type === 'found' ? found.filesystem : 'no filesystem';
    return refuse(
      'FilesystemMismatch',
      `The adopted array holds ${what}, not ${intent.filesystem} as spec.mdadm.filesystem says. ` +
        'It stays as it is.',
    );
  }
  const uuid = derivedUuid(intent.poolUid, 'filesystem');
  // A device that is mounted can't always be asked; that it is our array is known.
  const isMounted = facts.mountPoint.mounts.some(({ isOurs }) => isOurs);
  if (found.type === 'found') {
    if (found.uuid === undefined && isMounted) return undefined;
    if (!isSameUuid(found.uuid, uuid) || found.filesystem !== intent.filesystem) {
      const what = `${found.filesystem} with UUID ${found.uuid ?? 'unknown'}`;
      return refuse('FilesystemMismatch', `The array holds ${what}, which is not ours.`);
    }
    if (journal.filesystem === 'unknown' && !wasActive)
      return step('Making the filesystem was interrupted; it is begun anew.', {
        type: 'eraseFilesystem',
        devicePath: array.path,
        arrayUuid,
      });
    return undefined;
  }
  if (wasActive || journal.filesystem === 'made' || !journal.exists)
    return refuse(
      'FilesystemMismatch',
      `The filesystem ${uuid} has disappeared from the array. It is not made anew, as that would destroy what may be left.`,
    );
  return step('The array holds no filesystem yet.', {
    type: 'makeFilesystem',
    devicePath: array.path,
    arrayUuid,
    filesystem: intent.filesystem,
    uuid,
    options: intent.mkfsOptions,
  });
}
