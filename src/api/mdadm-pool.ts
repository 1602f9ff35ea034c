// The mdadm branch of a StoragePool: which disks of which node become which array.
import * as z from 'zod';
import {
  arrayMembersMaximum,
  arrayUuid,
  chunkKiB,
  diskSelector,
  filesystem,
  mkfsOptions,
  raidLevel,
  scrubInterval,
} from './disk.ts';
import { immutableFields, immutableRule, withRules } from './rules.ts';
import { nameReference } from './status.ts';
import { integer, objectName } from './text.ts';

const advice = 'create another pool';

const mdadmSource = withRules(
  z.discriminatedUnion('type', [
    z.object({
      type: z.literal('Devices').describe('disks that the node has'),
      devices: z
        .array(diskSelector)
        .min(1)
        .max(arrayMembersMaximum)
        .describe(
          'The disks, spares last. Replace an item to replace a disk: the old one is let go ' +
            'once the array is whole without it. Add items to grow (levels 1, 4, 5, 6, 10).',
        ),
    }),
    z.object({
      type: z
        .literal('Volumes')
        .describe('disks of a VolumePool of empty disks, attached to the VM of the node'),
      volumes: immutableFields(
        z.object({
          poolRef: nameReference('the VolumePool').describe(
            'Where the disks come from: one with goldenSnapshot.type Empty.',
          ),
          count: integer(1, arrayMembersMaximum).describe(
            'How many, spares included. More makes the array grow.',
          ),
        }),
        ['poolRef'],
        { path: 'spec.mdadm.source.volumes', advice },
      ).describe('The pooled disks.'),
    }),
    z.object({
      type: z.literal('Adopt').describe('an array that is on the node already'),
      adopt: immutableFields(
        z.object({
          arrayUUID: arrayUuid().describe(
            'Its UUID, as `mdadm --detail` or the status of a pool shows it. Its bytes are left as ' +
              'they are.',
          ),
          devices: z
            .array(diskSelector)
            .max(arrayMembersMaximum)
            .describe(
              'The disks it shall have, spares last: set it to replace one or to grow. Left ' +
                'out, the disks that it has.',
            )
            .optional(),
        }),
        ['arrayUUID'],
        { path: 'spec.mdadm.source.adopt', advice },
      ).describe('The array.'),
    }),
  ]),
  immutableRule('type', { path: 'spec.mdadm.source', advice, optional: false }),
);

const smallest = '(self.level == 6 ? 4 : (self.level in [4, 5] ? 3 : 2))';

export const mdadmPool = withRules(
  immutableFields(
    z.object({
      nodeName: objectName().describe('The node that has the disks.'),
      level: raidLevel.describe(
        'RAID level: 0 stripes without redundancy, 1 mirrors, 4 and 5 survive one failed ' +
          'disk, 6 survives two, 10 stripes mirrors. For an adopted array it must be what ' +
          'that is.',
      ),
      source: mdadmSource.describe('Which disks.'),
      spares: integer(0, 8)
        .describe('So many of the disks wait to replace a failed one.')
        .default(0),
      filesystem: filesystem.describe('The filesystem that is made on the array.').default('ext4'),
      chunkKiB: chunkKiB().optional(),
      mkfsOptions: mkfsOptions().optional(),
      scrubInterval: scrubInterval().optional(),
    }),
    ['nodeName', 'level', 'filesystem', 'chunkKiB', 'mkfsOptions'],
    { path: 'spec.mdadm', advice },
  ),
  {
    rule: `self.source.type != 'Devices' || size(self.source.devices) >= self.spares + ${smallest}`,
    message:
      'spec.mdadm.source.devices has too few disks: levels 0, 1 and 10 need 2, levels 4 ' +
      'and 5 need 3, level 6 needs 4, and spares come on top',
    fieldPath: '.source.devices',
  },
  {
    rule:
      "self.source.type != 'Adopt' || !has(self.source.adopt.devices) || " +
      `size(self.source.adopt.devices) >= self.spares + ${smallest}`,
    message:
      'spec.mdadm.source.adopt.devices has too few disks: levels 0, 1 and 10 need 2, levels 4 ' +
      'and 5 need 3, level 6 needs 4, and spares come on top',
    fieldPath: '.source.adopt.devices',
  },
  {
    rule: `self.source.type != 'Volumes' || self.source.volumes.count >= self.spares + ${smallest}`,
    message:
      'spec.mdadm.source.volumes.count is too small: levels 0, 1 and 10 need 2, levels 4 ' +
      'and 5 need 3, level 6 needs 4, and spares come on top',
    fieldPath: '.source.volumes.count',
  },
  {
    rule: 'self.level != 0 || self.spares == 0',
    message: 'spec.mdadm.spares must be 0 for level 0: it has no redundancy to restore',
    fieldPath: '.spares',
  },
);

export type MdadmPool = z.output<typeof mdadmPool>;
