// What the rest of Poolkeeper imports from the API: types, descriptors, conditions, names. Nothing
// here loads a schema; those are for CRD generation and live in the kinds' own files.

export type * from './azure-scope.ts';
export * from './built-in.ts';
export type * from './command-record.ts';
export * from './conditions.ts';
export type * from './disk.ts';
export * from './duration.ts';
export type * from './instance-claim.ts';
export type * from './instance-pool.ts';
export type * from './machine.ts';
export type * from './mdadm-pool.ts';
export type * from './member.ts';
export * from './names.ts';
export type * from './node-mount.ts';
export * from './object.ts';
export type * from './pool-instance.ts';
export type * from './pool-volume.ts';
export * from './reasons.ts';
export * from './resources.ts';
export type * from './scaling.ts';
export * from './size.ts';
export type * from './status.ts';
export type * from './storage-backend.ts';
export type * from './storage-node.ts';
export type * from './storage-pool.ts';
export type * from './volume-pool.ts';
