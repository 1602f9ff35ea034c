// What keeps a Ceph filesystem from being used, and what to do about it.
import type { ProbeFailure } from './probe-observation.ts';
import { type Meaning, TROUBLED, WRONG } from './storage-backend-failures.ts';
import { mountFailure } from './storage-backend-mounts.ts';

const NOT_CEPH: Meaning = {
  ...WRONG,
  reason: 'UnexpectedAnswer',
  advice: 'is that a Ceph monitor? They listen on port 3300, and on 6789 for the older protocol',
};

export function cephFailure(failure: ProbeFailure): Meaning {
  if (failure.code === 'NotCeph') return NOT_CEPH;
  return mountFailure(failure) ?? { ...TROUBLED, reachable: 'False', reason: 'UnexpectedAnswer' };
}
