// A certificate authority of our own, made at start, and the serving certificate it signs.
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { Clock } from '../../../runtime/clock.ts';
import type { Random } from '../../../runtime/random.ts';
import {
  bits,
  boolean,
  der,
  explicit,
  integer,
  objectIdentifier,
  octets,
  pem,
  sequence,
  set,
  time,
  utf8,
} from './der.ts';

export interface ServingCertificate {
  /** PEM of the authority's certificate, for clients. */
  readonly authority: string;
  /** PEM of the serving certificate followed by the authority's. */
  readonly chain: string;
  /** PEM of the private key (PKCS 8). */
  readonly key: string;
}

const DAY_MILLISECONDS = 86_400_000;
const VALIDITY_DAYS = 365;
const AUTHORITY = 'poolkeeper-local-authority';
const ECDSA_WITH_SHA256 = sequence(objectIdentifier('1.2.840.10045.4.3.2'));

export function makeCertificate(clock: Clock, random: Random): ServingCertificate {
  const authorityKeys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const servingKeys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const shared = { random, now: clock.now(), issuer: AUTHORITY, signer: authorityKeys.privateKey };
  const authority = certificate({
    ...shared,
    subject: AUTHORITY,
    publicKey: authorityKeys.publicKey,
    extensions: [
      extension('2.5.29.19', true, sequence(boolean(true))),
      // digitalSignature and keyCertSign.
      extension('2.5.29.15', true, bits(Buffer.from([0x84]), 2)),
    ],
  });
  const serving = certificate({
    ...shared,
    subject: 'kube-apiserver',
    publicKey: servingKeys.publicKey,
    extensions: [
      extension('2.5.29.37', false, sequence(objectIdentifier('1.3.6.1.5.5.7.3.1'))),
      extension('2.5.29.17', false, LOOPBACK_NAMES),
    ],
  });
  return {
    authority: pem('CERTIFICATE', authority),
    chain: pem('CERTIFICATE', serving) + pem('CERTIFICATE', authority),
    key: servingKeys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

const LOOPBACK_NAMES = sequence(
  der(0x82, Buffer.from('localhost')),
  der(0x87, Buffer.from([127, 0, 0, 1])),
  der(0x87, Buffer.from([...new Array(15).fill(0), 1])),
);

interface CertificateParts {
  readonly random: Random;
  readonly now: number;
  readonly issuer: string;
  readonly subject: string;
  readonly signer: KeyObject;
  readonly publicKey: KeyObject;
  readonly extensions: readonly Buffer[];
}

function certificate(parts: CertificateParts): Buffer {
  const { random, now, issuer, subject, signer, publicKey, extensions } = parts;
  const serial = Buffer.concat([Buffer.from([1]), random.bytes(15)]);
  const body = sequence(
    explicit(0, integer(Buffer.from([2]))),
    integer(serial),
    ECDSA_WITH_SHA256,
    commonName(issuer),
    sequence(time(now - DAY_MILLISECONDS), time(now + VALIDITY_DAYS * DAY_MILLISECONDS)),
    commonName(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    explicit(3, sequence(...extensions)),
  );
  return sequence(body, ECDSA_WITH_SHA256, bits(sign('sha256', body, signer)));
}

function commonName(name: string): Buffer {
  return sequence(set(sequence(objectIdentifier('2.5.4.3'), utf8(name))));
}

function extension(identifier: string, critical: boolean, value: Buffer): Buffer {
  const flag = critical ? [boolean(true)] : [];
  return sequence(objectIdentifier(identifier), ...flag, octets(value));
}
