// Objects beside the pool and its mounts that decide what its nodes are asked for: gathered from the
// caches for each look. Each type of storage adds its own.

// biome-ignore lint/complexity/noBannedTypes: it has no members yet; types of storage add them.
export type StorageSources = {};

export const NO_SOURCES: StorageSources = {};
