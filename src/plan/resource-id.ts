// Azure resource ids as paths, so that "is within" is a question of whole segments and never of texts that
// happen to begin alike. What a URL would resolve to something else than it says is no id at all.

/** Lower-cased segments. */
export type ResourceIdPath = readonly string[];

/** Undefined for anything with empty, dotted or escaped segments: they could lead out of their parent. */
export function parseResourceId(id: string): ResourceIdPath | undefined {
  if (!/^\/subscriptions\//i.test(id)) return undefined;
  const segments = id.slice(1).toLowerCase().split('/');
  const isPlain = segments.every(
    (segment) => /^[^\s%?#\\]+$/.test(segment) && !/^\.+$/.test(segment),
  );
  return isPlain ? segments : undefined;
}

/** True when `id` is `parent` or lies below it. */
export function isWithin(id: ResourceIdPath, parent: string): boolean {
  const path = parseResourceId(parent);
  return path?.every((segment, index) => segment === id[index]) ?? false;
}
