// Our tags on a resource, read back. Azure keeps names in any case; values are as they were written.
import { membersMaximum } from '../api/scaling.ts';
import type { ClaimReference } from '../api/status.ts';

export interface FoundTags {
  readonly installation: string;
  /** `instance`, `volume`, or a word of another part of the product. */
  readonly role: string;
  readonly status: string;
  readonly pool: string;
  readonly poolNamespace: string;
  /** Undefined when it is no slot number. */
  readonly slot: number | undefined;
  readonly uid: string;
  readonly revision: string;
  readonly created: string;
  /** The claim it is bound to, or was bound to last. */
  readonly claim: ClaimReference | undefined;
}

export function readTags(tags: Readonly<Record<string, string>>): FoundTags {
  const lowered = new Map(
    Object.entries(tags).map(([name, value]) => [name.toLowerCase(), value ?? '']),
  );
  const read = (name: string): string => lowered.get(`poolkeeper:${name}`) ?? '';
  const slot = /^\d{1,5}$/.test(read('slot')) ? Number(read('slot')) : undefined;
  const [namespace, name, uid] = [read('claim-namespace'), read('claim-name'), read('claim-uid')];
  return {
    installation: read('installation'),
    role: read('role'),
    status: read('status'),
    pool: read('pool'),
    poolNamespace: read('pool-namespace'),
    slot: slot !== undefined && slot < membersMaximum ? slot : undefined,
    uid: read('uid'),
    revision: read('revision'),
    created: read('created'),
    claim: uid === '' || name === '' ? undefined : { namespace, name, uid },
  };
}
