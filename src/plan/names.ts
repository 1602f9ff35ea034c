// Names: a slot's name says which place in the pool it fills; a cloud name says which object it belongs to.

/** Members are slots: `<pool>-<ordinal>`; the API server's own uniqueness then guards maxTotal. */
export function slotName(poolName: string, ordinal: number): string {
  return `${poolName}-${ordinal}`;
}

/**
 * The Azure name of a member: derived from the object's uid and therefore never used twice, so that a
 * late delete can't hit a successor. 41 characters: a VM's computer name may have 64.
 */
export function cloudName(kind: 'instance' | 'volume', uid: string): string {
  return `${kind === 'instance' ? 'pkvm' : 'pkvol'}-${uid}`;
}
