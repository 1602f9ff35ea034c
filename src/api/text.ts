// The small words of the API: names, ids, times, durations. Every one has a maximum length, because
// an API server refuses rules whose cost it can't bound.
import * as z from 'zod';
import { durationPattern, parseDuration } from './duration.ts';
import { withRules } from './rules.ts';

/** Free text up to a length. */
export function text(maxLength: number) {
  return z.string().max(maxLength);
}

/** Text that may not be empty. */
export function nonEmptyText(maxLength: number) {
  return z.string().min(1).max(maxLength);
}

/** RFC 3339, as the API server checks it. */
export function time() {
  return z.string().max(64).meta({ format: 'date-time' });
}

/** A Kubernetes object's name. */
export function objectName() {
  return z
    .string()
    .min(1)
    .max(253)
    .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/);
}

export function namespaceName() {
  return z
    .string()
    .min(1)
    .max(63)
    .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/);
}

/** The uid that the API server gave an object. */
export function objectUid() {
  return z.string().min(1).max(64);
}

/** A key of a Secret or ConfigMap. */
export function dataKey() {
  return z
    .string()
    .min(1)
    .max(253)
    .regex(/^[-._a-zA-Z0-9]+$/);
}

/** Bounds are inclusive and durations themselves. */
export function durationText(options: { minimum: string; maximum: string }) {
  // Both are parsed here so that a wrong bound fails when the schema is loaded, not in a cluster.
  if (parseDuration(options.minimum) >= parseDuration(options.maximum)) {
    throw new RangeError(`no duration lies between ${options.minimum} and ${options.maximum}`);
  }
  return withRules(z.string().max(32).regex(new RegExp(durationPattern)), {
    rule: [
      `duration(self) >= duration('${options.minimum}')`,
      `duration(self) <= duration('${options.maximum}')`,
    ].join(' && '),
    message: `must be a duration between ${options.minimum} and ${options.maximum}`,
  });
}

/** A whole number within inclusive bounds. */
export function integer(minimum: number, maximum: number) {
  return z.int().min(minimum).max(maximum);
}

/** Bytes, up to 8 EiB less one, as far as JSON numbers are exact. */
export function byteCount() {
  return z.int().min(0);
}

export function tcpPort() {
  return integer(1, 65_535);
}

/** An absolute path without `.`, `..`, spaces, doubled or trailing slashes; not the root. */
export function absolutePath() {
  return z
    .string()
    .max(1024)
    .regex(/^(\/([^/.\s][^/\s]*|\.[^/.\s][^/\s]*|\.\.[^/\s]+))+$/);
}

/** The same, or `/` alone. */
export function absolutePathOrRoot() {
  return z
    .string()
    .max(1024)
    .regex(/^(\/|(\/([^/.\s][^/\s]*|\.[^/.\s][^/\s]*|\.\.[^/\s]+))+)$/);
}

/** A host name, an IPv4 address, or an IPv6 address without brackets. */
export function hostName() {
  return z
    .string()
    .min(1)
    .max(253)
    .regex(/^[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?$|^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*$/);
}
