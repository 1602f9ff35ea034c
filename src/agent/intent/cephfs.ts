// What a NodeMount of type cephfs asks for.
import type { NodeMount } from '../../api/node-mount.ts';
import type { DeepReadonly } from '../../api/object.ts';
import type { CephfsIntent } from '../../plan/node-mount-cephfs.ts';
import type { MountIntent } from '../../plan/node-mount-facts.ts';

type CephfsSpec = Extract<DeepReadonly<NodeMount>['spec'], { readonly type: 'cephfs' }>['cephfs'];

export function cephfsIntent(shared: MountIntent, cephfs: CephfsSpec): CephfsIntent {
  const { monitors, filesystemName, path, user, options, credentialsSecretRef } = cephfs;
  return {
    ...shared,
    type: 'cephfs',
    monitors,
    filesystemName,
    path,
    user,
    hasCredentials: credentialsSecretRef !== undefined,
    credentialsVersion: cephfs.credentialsVersion,
    mountOptions: options,
  };
}
