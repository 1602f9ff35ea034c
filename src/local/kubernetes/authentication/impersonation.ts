// `kubectl --as`: somebody who may, acts as somebody else. What they may then do is what that other may.
import { type Authorizer, demand } from '../authorization/authorizer.ts';
import { badRequest } from '../objects/status-error.ts';
import type { ApiRequest } from '../request.ts';
import type { User } from './user.ts';

const EXTRA = 'impersonate-extra-';
const AUTHENTICATED = 'system:authenticated';

/** The user that the request is to be answered for; throws when its sender may not act as that one. */
export function actingUser(
  { headers = {} }: ApiRequest,
  sender: User | undefined,
  authorizer: Authorizer,
): User | undefined {
  const username = headers['impersonate-user'];
  const asked = Object.keys(headers).filter((name) => name.startsWith('impersonate-'));
  if (asked.length === 0 || !sender) return sender;
  if (!username) throw badRequest(`requested ${asked.join(', ')} without impersonating a user`);
  const check = (resource: string, name: string, namespace = '', subresource = ''): void => {
    const group = resource === 'userextras' ? 'authentication.k8s.io' : '';
    const attributes = { verb: 'impersonate', group, resource, subresource, namespace, name };
    demand(authorizer, { user: sender, ...attributes });
  };
  const [, namespace, account] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(username) ?? [];
  if (namespace && account) check('serviceaccounts', account, namespace);
  else check('users', username);
  const groups = headers['impersonate-group']?.split(', ') ?? [];
  for (const group of groups) check('groups', group);
  const extra = asked
    .filter((name) => name.startsWith(EXTRA))
    .map((name) => [
      decodeURIComponent(name.slice(EXTRA.length)),
      headers[name]?.split(', ') ?? [],
    ]) as [string, string[]][];
  for (const [key, values] of extra)
    for (const value of values) check('userextras', value, '', key);
  const implied = namespace
    ? ['system:serviceaccounts', `system:serviceaccounts:${namespace}`]
    : [];
  return {
    username,
    groups: [...new Set([...(groups.length > 0 ? groups : implied), AUTHENTICATED])],
    ...(extra.length > 0 ? { extra: Object.fromEntries(extra) } : {}),
  };
}
