// The list of a VM's data disks, changed. Azure replaces the list as a whole: disks of others stay
// in it with the settings they have.
import type { DataDisk } from '@azure/arm-compute';
import { sameId } from './arm-id.ts';
import type { DataDiskChange } from './port.ts';

export function changedDataDisks(present: readonly DataDisk[], change: DataDiskChange): DataDisk[] {
  const isNamed = (disk: DataDisk, ids: readonly string[]): boolean =>
    ids.some((id) => sameId(id, disk.managedDisk?.id ?? ''));
  const kept = present.filter((disk) => !isNamed(disk, change.detach));
  const attached = change.attach
    // Asked for again after an unknown outcome: it is there already.
    .filter(({ diskId }) => !kept.some((disk) => isNamed(disk, [diskId])))
    .map(
      ({ diskId, lun }): DataDisk => ({
        lun,
        createOption: 'Attach',
        managedDisk: { id: diskId },
        // A pooled disk outlives its VM, always: with Delete the user's data would go with it.
        deleteOption: 'Detach',
        // The host must not hold writes back: a forced detach would lose them. PremiumV2, Ultra and
        // disks of 4 TiB and more accept nothing else.
        caching: 'None',
      }),
    );
  return [...kept, ...attached];
}
