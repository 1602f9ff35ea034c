// What a NodeMount of type iscsi asks for.
import type { NodeMount } from '../../api/node-mount.ts';
import type { DeepReadonly } from '../../api/object.ts';
import type { MountIntent } from '../../plan/node-mount-facts.ts';
import type { IscsiIntent } from '../../plan/node-mount-iscsi-facts.ts';

type IscsiSpec = Extract<DeepReadonly<NodeMount>['spec'], { readonly type: 'iscsi' }>['iscsi'];

export function iscsiIntent(shared: MountIntent, iscsi: IscsiSpec): IscsiIntent {
  const { portal, target, lun, filesystem, mkfsOptions, options, credentialsSecretRef } = iscsi;
  return {
    ...shared,
    type: 'iscsi',
    portal,
    target,
    lun,
    hasCredentials: credentialsSecretRef !== undefined,
    credentialsVersion: iscsi.credentialsVersion,
    filesystem,
    mkfsOptions: mkfsOptions ?? [],
    mountOptions: options,
  };
}
