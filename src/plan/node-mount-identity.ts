// Names and UUIDs of what a pool makes on a node. They follow from the pool's uid alone, so that
// after any crash "is this half-made thing mine?" has an exact answer.
import { createHash } from 'node:crypto';

/** A UUID (version 8: our own recipe) that is the same for the same pool and purpose. */
export function derivedUuid(poolUid: string, purpose: 'array' | 'filesystem'): string {
  const digest = createHash('sha256').update(`poolkeeper/${purpose}/${poolUid}`).digest();
  digest[6] = (digest[6]! & 0x0f) | 0x80;
  digest[8] = (digest[8]! & 0x3f) | 0x80;
  const hex = digest.toString('hex', 0, 16);
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** The name the controller gives an array: with `any:` before it at most 32 characters long. */
export function arrayNameFor(poolUid: string): string {
  return `pk-${poolUid.replaceAll('-', '').slice(0, 20)}`;
}

/** UUIDs come with colons from mdadm and with dashes from the kernel and blkid. */
export function isSameUuid(one: string | undefined, other: string | undefined): boolean {
  if (one === undefined || other === undefined) return false;
  return normalUuid(one) === normalUuid(other);
}

export function normalUuid(uuid: string): string {
  const hex = uuid.trim().replaceAll(/[-:]/g, '').toLowerCase();
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** mdadm's own way to write a UUID: `1ae21676:b5a50bcc:01234567:89abcdef`. */
export function colonUuid(uuid: string): string {
  return (uuid.replaceAll(/[-:]/g, '').match(/.{8}/g) ?? []).join(':');
}
