// Which names objects may have, and how generated ones are made.
import type { Random } from '../../../runtime/random.ts';
import { cause, type StatusCause } from './status-error.ts';

export type NameRule = 'subdomain' | 'label' | 'path-segment';

const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const QUALIFIED = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const LABEL_VALUE = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;

const SUBDOMAIN_WORDS =
  'a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, ' +
  "'-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', " +
  "regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL_WORDS =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and " +
  "must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used " +
  "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

export function checkName(name: string, rule: NameRule, field = 'metadata.name'): StatusCause[] {
  if (rule === 'path-segment') {
    if (name === '.' || name === '..') return [cause.invalid(field, name, `may not be '${name}'`)];
    const bad = ['/', '%'].find((character) => name.includes(character));
    return bad ? [cause.invalid(field, name, `may not contain '${bad}'`)] : [];
  }
  const [pattern, words, limit] =
    rule === 'label' ? [LABEL, LABEL_WORDS, 63] : [SUBDOMAIN, SUBDOMAIN_WORDS, 253];
  const causes: StatusCause[] = [];
  if (name.length > limit) {
    causes.push(cause.invalid(field, name, `must be no more than ${limit} bytes`));
  }
  if (!pattern.test(name)) causes.push(cause.invalid(field, name, words));
  return causes;
}

/** Checks `prefix/name`, the form of label and annotation keys and of finalizers. */
export function isQualifiedName(text: string): boolean {
  const slash = text.indexOf('/');
  const prefix = slash < 0 ? undefined : text.slice(0, slash);
  const name = text.slice(slash + 1);
  if (prefix !== undefined && !(prefix.length <= 253 && SUBDOMAIN.test(prefix))) return false;
  return name.length >= 1 && name.length <= 63 && QUALIFIED.test(name);
}

export function isLabelValue(text: string): boolean {
  return text.length <= 63 && LABEL_VALUE.test(text);
}

/** The alphabet leaves out vowels and look-alikes, so that no word is ever generated. */
const SUFFIX_ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';
const SUFFIX_LENGTH = 5;
const LONGEST_GENERATED_NAME = 63;

export function generatedName(base: string, random: Random): string {
  let suffix = '';
  for (let i = 0; i < SUFFIX_LENGTH; i++) {
    suffix += SUFFIX_ALPHABET[Math.floor(random.next() * SUFFIX_ALPHABET.length)];
  }
  return base.slice(0, LONGEST_GENERATED_NAME - SUFFIX_LENGTH) + suffix;
}
