// The JSON text of the objects that were encoded last. A change goes to all watchers of a
// resource, and usually into a response too; encoding it once is most of a watch's cost saved.
import type { KubeObject } from '../objects/kube-object.ts';

/** Covers the changes in flight between fast and slow readers; more would only hold memory. */
const REMEMBERED = 256;

const texts = new Map<KubeObject, string>();

export const EncodedObjects = {
  encode(object: KubeObject): string {
    const known = texts.get(object);
    if (known !== undefined) return known;
    const text = JSON.stringify(object);
    if (texts.size >= REMEMBERED) texts.delete(texts.keys().next().value!);
    if (Object.isFrozen(object)) texts.set(object, text);
    return text;
  },
};
