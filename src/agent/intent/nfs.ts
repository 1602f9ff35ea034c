// What a NodeMount of type nfs asks for.
import type { NodeMount } from '../../api/node-mount.ts';
import type { DeepReadonly } from '../../api/object.ts';
import type { MountIntent } from '../../plan/node-mount-facts.ts';
import type { NfsIntent } from '../../plan/node-mount-nfs.ts';

type NfsSpec = Extract<DeepReadonly<NodeMount>['spec'], { readonly type: 'nfs' }>['nfs'];

export function nfsIntent(shared: MountIntent, nfs: NfsSpec): NfsIntent {
  const { server, exportPath, version, options } = nfs;
  return { ...shared, type: 'nfs', server, exportPath, version, mountOptions: options };
}
