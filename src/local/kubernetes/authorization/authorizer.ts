// Decides who may do what. Either everybody may do everything, as in a quick start, or the stored
// Roles and bindings decide, as on a real cluster: what no rule allows is refused.
import type { User } from '../authentication/user.ts';
import { StatusError } from '../objects/status-error.ts';
import type { Target } from '../target.ts';

export type AuthorizationMode = 'AlwaysAllow' | 'RBAC';

/** One thing that somebody wants to do. Empty strings where something does not apply. */
export interface Attributes {
  readonly user: User;
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  /** Set instead of a resource, for paths such as `/metrics`. */
  readonly path?: string | undefined;
}

export interface Authorizer {
  /** Undefined when no rule allows it; otherwise which one does, in words. */
  allowedBecause(attributes: Attributes): string | undefined;
}

export const allowAll: Authorizer = { allowedBecause: () => 'everything is allowed here' };

export function attributesOf(user: User, target: Target, verb: string = target.verb): Attributes {
  const { group, plural: resource, subresource = '', namespace, name } = target;
  return { user, verb, group, resource, subresource, namespace, name };
}

/** Throws the refusal in the words of a real server. */
export function demand(authorizer: Authorizer, attributes: Attributes): void {
  if (authorizer.allowedBecause(attributes) !== undefined) return;
  const { user, verb, path } = attributes;
  if (path !== undefined) {
    const words = `forbidden: User ${quoted(user.username)} cannot ${verb} path ${quoted(path)}`;
    throw new StatusError(403, 'Forbidden', words, {});
  }
  throw refusal(attributes);
}

function refusal(attributes: Attributes): StatusError {
  const { user, verb, group, resource, subresource, namespace, name } = attributes;
  const subject = group ? `${resource}.${group}` : resource;
  const shown = subresource ? `${resource}/${subresource}` : resource;
  const place = namespace ? `in the namespace ${quoted(namespace)}` : 'at the cluster scope';
  const words =
    `${subject}${name ? ` ${quoted(name)}` : ''} is forbidden: User ${quoted(user.username)} ` +
    `cannot ${verb} resource ${quoted(shown)} in API group ${quoted(group)} ${place}`;
  const details = { ...(name ? { name } : {}), ...(group ? { group } : {}), kind: resource };
  return new StatusError(403, 'Forbidden', words, details);
}

const quoted = (text: string): string => JSON.stringify(text);
