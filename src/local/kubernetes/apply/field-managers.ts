import type { KubeObject } from '../objects/kube-object.ts';
import type { ResourceType } from '../resources/resource-type.ts';
import type { WriteOptions } from '../writes/options.ts';

export function trackUpdate(write: {
  type: ResourceType;
  old: KubeObject | undefined;
  object: KubeObject;
  options: WriteOptions;
  now: string;
  subresource?: string | undefined;
}): KubeObject {
  return write.object;
}
