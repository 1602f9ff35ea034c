// First come, first served, among claims of every kind: the order in which they were made.

export interface Aged {
  readonly metadata: { readonly creationTimestamp: string; readonly uid: string };
}

export function isOlder(one: Aged, other: Aged): boolean {
  return ageOf(one) < ageOf(other);
}

/** Of those made within the same second the uid decides, for everybody alike. */
function ageOf({ metadata }: Aged): string {
  return `${metadata.creationTimestamp} ${metadata.uid}`;
}
