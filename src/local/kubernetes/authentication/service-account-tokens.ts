// Tokens of service accounts, as TokenRequest gives them out: signed, for an audience, with an
// end, and void as soon as the account, pod or node they are bound to is gone.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { randomUuid } from '../../../runtime/random.ts';
import type { Backend } from '../backend.ts';
import { asArray, asObject, asString, getPath } from '../objects/json.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import { nodes, pods, serviceAccounts } from '../resources/core.ts';
import type { User } from './user.ts';

export const DEFAULT_AUDIENCE = 'https://kubernetes.default.svc.cluster.local';

export interface TokenWish {
  readonly account: KubeObject;
  readonly audiences: readonly string[];
  readonly expiresInSeconds: number;
  readonly boundPod?: KubeObject | undefined;
  readonly boundNode?: KubeObject | undefined;
}

interface Reference {
  readonly name: string;
  readonly uid: string;
}

export class ServiceAccountTokens {
  readonly #backend: Backend;
  readonly #key: Uint8Array;

  constructor(backend: Backend, key: Uint8Array) {
    this.#backend = backend;
    this.#key = key;
  }

  issue(wish: TokenWish): { token: string; expiresAtMilliseconds: number } {
    const issuedAt = Math.floor(this.#backend.clock.now() / 1000);
    const { name, namespace, uid } = wish.account.metadata;
    const claims = {
      aud: wish.audiences,
      exp: issuedAt + wish.expiresInSeconds,
      iat: issuedAt,
      iss: DEFAULT_AUDIENCE,
      jti: randomUuid(this.#backend.random),
      'kubernetes.io': {
        namespace,
        serviceaccount: { name, uid },
        ...(wish.boundPod ? { pod: referenceTo(wish.boundPod) } : {}),
        ...(wish.boundNode ? { node: referenceTo(wish.boundNode) } : {}),
      },
      nbf: issuedAt,
      sub: `system:serviceaccount:${namespace}:${name}`,
    };
    const body = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
    return { token: `${body}.${this.#sign(body)}`, expiresAtMilliseconds: claims.exp * 1000 };
  }

  verify(token: string): { user: User; audiences: readonly string[] } | undefined {
    const parts = token.split('.');
    if (parts.length !== 3) return undefined;
    const expected = Buffer.from(this.#sign(`${parts[0]}.${parts[1]}`));
    const given = Buffer.from(parts[2]!);
    if (expected.length !== given.length || !timingSafeEqual(expected, given)) return undefined;
    const claims = asObject(JSON.parse(Buffer.from(parts[1]!, 'base64url').toString()));
    if (Number(claims['exp']) * 1000 <= this.#backend.clock.now()) return undefined;
    const bound = asObject(claims['kubernetes.io']);
    const namespace = asString(bound['namespace']);
    const account = this.#alive(serviceAccounts.shelf, bound['serviceaccount'], namespace);
    if (!account) return undefined;
    const pod = this.#alive(pods.shelf, bound['pod'], namespace);
    if (bound['pod'] && !pod) return undefined;
    const node = this.#alive(nodes.shelf, bound['node']);
    if (bound['node'] && !bound['pod'] && !node) return undefined;
    const user = userOf(account, asString(claims['jti']), bound);
    return { user, audiences: asArray(claims['aud']).map(String) };
  }

  /** The node a pod runs on, if it is known here. */
  nodeOf(pod: KubeObject): KubeObject | undefined {
    const name = asString(getPath(pod, ['spec', 'nodeName']));
    return name ? this.#backend.store.shelf(nodes.shelf).get(name) : undefined;
  }

  #alive(shelf: string, reference: unknown, namespace?: string): KubeObject | undefined {
    const { name, uid } = asObject(reference) as Partial<Reference>;
    if (!name) return undefined;
    const key = namespace ? `${namespace}/${name}` : name;
    const object = this.#backend.store.shelf(shelf).get(key);
    return object && object.metadata.uid === uid ? object : undefined;
  }

  #sign(text: string): string {
    return createHmac('sha256', this.#key).update(text).digest('base64url');
  }
}

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const referenceTo = (object: KubeObject): Reference => ({
  name: object.metadata.name,
  uid: object.metadata.uid,
});

function userOf(account: KubeObject, tokenId: string, bound: Record<string, unknown>): User {
  const { name, namespace, uid } = account.metadata;
  const extra: Record<string, string[]> = {
    'authentication.kubernetes.io/credential-id': [`JTI=${tokenId}`],
  };
  for (const what of ['pod', 'node']) {
    const reference = asObject(bound[what]);
    if (!reference['name']) continue;
    extra[`authentication.kubernetes.io/${what}-name`] = [asString(reference['name'])];
    extra[`authentication.kubernetes.io/${what}-uid`] = [asString(reference['uid'])];
  }
  return {
    username: `system:serviceaccount:${namespace}:${name}`,
    uid,
    groups: [
      'system:serviceaccounts',
      `system:serviceaccounts:${namespace}`,
      'system:authenticated',
    ],
    extra,
  };
}
