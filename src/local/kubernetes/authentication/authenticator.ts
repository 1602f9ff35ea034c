// Finds out who is calling: by a static bearer token, or by a service-account token we issued.
import type { Backend } from '../backend.ts';
import { deepEqual } from '../objects/json.ts';
import type { ApiRequest } from '../request.ts';
import { ServiceAccountTokens } from './service-account-tokens.ts';
import type { User } from './user.ts';

export class Authenticator {
  readonly serviceAccounts: ServiceAccountTokens;
  readonly #backend: Backend;
  readonly #users = new Map<string, User>();

  /** `tokenKey` signs the tokens of service accounts. */
  constructor(backend: Backend, tokenKey: Uint8Array) {
    this.#backend = backend;
    this.serviceAccounts = new ServiceAccountTokens(backend, tokenKey);
  }

  /** The static token of a user; made when first asked for, valid as long as the server runs. */
  issue(user: User): string {
    for (const [token, known] of this.#users) {
      if (isSame(known, user)) return token;
    }
    const token = Buffer.from(this.#backend.random.bytes(24)).toString('base64url');
    this.accept(token, user);
    return token;
  }

  /** Makes a token of the caller's choice known. */
  accept(token: string, user: User): void {
    const groups = [...new Set([...user.groups, 'system:authenticated'])];
    this.#users.set(token, { ...user, groups });
  }

  authenticate(request: ApiRequest): User | undefined {
    const header = request.headers?.['authorization'] ?? '';
    const match = /^Bearer\s+(\S+)$/i.exec(header);
    return match ? this.userOf(match[1]!)?.user : undefined;
  }

  /** Who a token stands for, and for which audiences it was made (static ones: any). */
  userOf(token: string): { user: User; audiences: readonly string[] | undefined } | undefined {
    const user = this.#users.get(token);
    if (user) return { user, audiences: undefined };
    return this.serviceAccounts.verify(token);
  }
}

/** Pods of one account on several nodes are told apart by what their tokens say besides. */
function isSame(one: User, other: User): boolean {
  return one.username === other.username && deepEqual(one.extra ?? {}, other.extra ?? {});
}
