// All kinds, in the order in which a reader meets them.
import { backendProbeKind } from '../backend-probe.ts';
import { instanceClaimKind } from '../instance-claim.ts';
import { instancePoolKind } from '../instance-pool.ts';
import type { KindDefinition } from '../kind.ts';
import { nodeMountKind } from '../node-mount.ts';
import { poolInstanceKind } from '../pool-instance.ts';
import { poolVolumeKind } from '../pool-volume.ts';
import { storageBackendKind } from '../storage-backend.ts';
import { storageNodeKind } from '../storage-node.ts';
import { storagePoolKind } from '../storage-pool.ts';
import { volumePoolKind } from '../volume-pool.ts';

export const kinds: readonly KindDefinition[] = [
  instancePoolKind,
  volumePoolKind,
  instanceClaimKind,
  storagePoolKind,
  storageBackendKind,
  poolInstanceKind,
  poolVolumeKind,
  nodeMountKind,
  backendProbeKind,
  storageNodeKind,
];
