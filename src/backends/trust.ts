// Whom a TLS connection trusts and who it says it is. Reading the some 140 usual authorities into a
// fresh context takes ten milliseconds in which nothing else runs, so contexts are kept for a while;
// never those that hold a private key.
import { createHash } from 'node:crypto';
import {
  createSecureContext,
  getCACertificates,
  type SecureContext,
  type SecureContextOptions,
} from 'node:tls';
import type { TlsOptions } from './dial.ts';
import { codeOf } from './dial.ts';
import { ProbeError } from './trace.ts';

/** Each takes about a megabyte. Installations have one authority of their own, or a few. */
const CONTEXTS_MAX = 16;

const contexts = new Map<string, SecureContext>();

export function trustOf(options: TlsOptions): { readonly secureContext?: SecureContext } {
  const { caCertificates, clientCertificate } = options;
  if (clientCertificate) {
    const { certificate: cert, key } = clientCertificate;
    try {
      return { secureContext: createSecureContext({ ...authorities(caCertificates), cert, key }) };
    } catch (error) {
      const message = `the client certificate can't be used (${codeOf(error)})`;
      throw new ProbeError('TLS', 'ClientCertificateInvalid', message);
    }
  }
  if (caCertificates === undefined) return {};
  const name = createHash('sha256').update(caCertificates).digest('base64');
  const context = contexts.get(name) ?? createSecureContext(authorities(caCertificates));
  // The most recently used goes last, the least recently used is dropped.
  contexts.delete(name);
  contexts.set(name, context);
  for (const oldest of contexts.keys()) {
    if (contexts.size <= CONTEXTS_MAX) break;
    contexts.delete(oldest);
  }
  return { secureContext: context };
}

function authorities(more: string | undefined): SecureContextOptions {
  return more === undefined ? {} : { ca: [...getCACertificates('default'), more] };
}
