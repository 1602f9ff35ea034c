// What a NodeMount of type local asks for.
import type { NodeMount } from '../../api/node-mount.ts';
import type { DeepReadonly } from '../../api/object.ts';
import type { MountIntent } from '../../plan/node-mount-facts.ts';
import type { LocalIntent } from '../../plan/node-mount-local.ts';

type LocalSpec = Extract<DeepReadonly<NodeMount>['spec'], { readonly type: 'local' }>['local'];

/** It is where it is: nothing is mounted anywhere. */
export function localIntent(shared: MountIntent, { path }: LocalSpec): LocalIntent {
  return { ...shared, type: 'local', path, mountPath: path };
}
