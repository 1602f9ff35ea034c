// Make sure, right before it is attached, that a disk is the one that was made for its record and that nobody
// else has it: by the uid in its tags and by Azure's own id of it, read live.
import { ownsTags } from './member.ts';
import { isSameResource, nameOfResource } from './node-machine.ts';
import type { Stall } from './pool-conditions.ts';
import type { LeaseSnapshot, NodeMachineSeen } from './volume-lease-facts.ts';
import type { LeaseOrder } from './volume-lease-order.ts';

interface Refused {
  readonly stall?: Stall;
  readonly waits?: Stall;
  readonly waitMilliseconds: number;
}

/** Somebody may mend it in Azure, of which nobody tells. */
const RETRY_MILLISECONDS = 30_000;

export function refuseForeign(
  { disks }: LeaseSnapshot,
  { kept }: LeaseOrder,
  machine: NodeMachineSeen,
): Refused | undefined {
  for (const { volume } of kept) {
    const live = volume && disks.get(volume.metadata.uid);
    if (!volume || !live) continue;
    const { name } = volume.metadata;
    const refuse = (reason: Stall['reason'], why: string): Refused => ({
      stall: { reason, message: `volume ${name}: ${why}` },
      waitMilliseconds: RETRY_MILLISECONDS,
    });
    if (live === 'absent') return refuse('ResourceDisappeared', 'Azure has no such disk any more');
    const { azure } = volume.status ?? {};
    const isOther = azure?.uniqueId !== undefined && azure.uniqueId !== live.uniqueId;
    if (!ownsTags(volume, live.tags) || isOther)
      return refuse(
        'ForeignChange',
        `disk ${live.name} is not tagged as the one that was made for it`,
      );
    if (live.managedBy !== undefined && !isSameResource(live.managedBy, machine.id)) {
      const holder = nameOfResource(live.managedBy);
      const why = `disk ${live.name} is attached to VM ${holder}, which has to let go of it first`;
      return refuse('AttachedElsewhere', why);
    }
  }
  return undefined;
}
