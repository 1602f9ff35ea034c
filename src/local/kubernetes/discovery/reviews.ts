// Resources that can only be created and whose answer is computed, never stored.
import type { ResourceType } from '../resources/resource-type.ts';

export interface ReviewType {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
}

export const REVIEWS: readonly ReviewType[] = [
  review('authentication.k8s.io', 'TokenReview'),
  review('authentication.k8s.io', 'SelfSubjectReview'),
  review('authorization.k8s.io', 'SubjectAccessReview'),
  review('authorization.k8s.io', 'SelfSubjectAccessReview'),
  review('authorization.k8s.io', 'SelfSubjectRulesReview'),
  { ...review('authorization.k8s.io', 'LocalSubjectAccessReview'), namespaced: true },
];

function review(group: string, kind: string): ReviewType {
  return { group, version: 'v1', kind, plural: `${kind.toLowerCase()}s`, namespaced: false };
}

/** Subresources beyond `status`. */
export function extraSubresources(
  type: ResourceType,
): { name: string; kind: object; verbs: string[] }[] {
  if (type.group !== '' || type.plural !== 'serviceaccounts') return [];
  const kind = { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' };
  return [{ name: 'token', kind, verbs: ['create'] }];
}
