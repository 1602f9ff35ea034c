// What each member counts as in its pool's eyes.
import type { PoolInstance } from '../api/pool-instance.ts';
import type { PoolVolume } from '../api/pool-volume.ts';
import type { MemberRole } from './scaling.ts';

export type Member = PoolInstance | PoolVolume;

/** What a member counts as; a record under deletion counts until it is gone. */
export function roleOf(member: Member): MemberRole {
  const { spec, metadata, status } = member;
  if (spec.claimRef !== undefined) return status?.phase === 'Releasing' ? 'releasing' : 'claimed';
  if (metadata.deletionTimestamp !== undefined) return 'deleting';
  switch (status?.phase ?? 'Pending') {
    case 'Pending':
    case 'Creating':
      return 'creating';
    case 'Free':
      // A disk on its way into an instance isn't free any more, though nobody claimed it.
      return 'instanceRef' in spec && spec.instanceRef !== undefined ? 'claimed' : 'free';
    case 'Failed':
      return 'failed';
    case 'Quarantined':
      return 'quarantined';
    case 'Retained':
      return 'retained';
    case 'Deleting':
      return 'deleting';
    case 'Releasing':
    case 'Detaching':
      return 'releasing';
    default:
      return 'claimed';
  }
}

/** Set aside because nothing proves that it was never handed out, and nobody can ask for it back. */
export function isUnproven(member: Member): boolean {
  const { spec, status } = member;
  const { azure } = status ?? {};
  // A machine that isn't ours holds the disk: somebody else must let go of it first.
  const isForeign =
    azure !== undefined &&
    'managedBy' in azure &&
    azure.managedBy !== undefined &&
    !('instanceRef' in spec && spec.instanceRef !== undefined);
  return (
    roleOf(member) === 'quarantined' &&
    status?.lastError?.code === 'StateUnproven' &&
    spec.lastClaimRef === undefined &&
    !isForeign
  );
}

/** A pool made again under an old name finds the old one's members in its slots until they are gone. */
export function ownMembers({
  metadata,
  members,
}: {
  readonly metadata: { readonly uid: string };
  readonly members: readonly Member[];
}): readonly Member[] {
  return members.filter((member) => member.spec.poolRef.uid === metadata.uid);
}
