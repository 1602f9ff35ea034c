// Resources that are answered on the spot and never stored: token requests, and reviews of tokens
// and of access.
import { formatTime } from '../../../runtime/clock.ts';
import type { Backend, Call } from '../backend.ts';
import { REVIEWS } from '../discovery/reviews.ts';
import { asArray, asObject, asString, type JsonObject } from '../objects/json.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import {
  badRequest,
  cause,
  conflict,
  invalid,
  methodNotAllowed,
  notFound,
  StatusError,
} from '../objects/status-error.ts';
import { nodes, pods, serviceAccounts } from '../resources/core.ts';
import type { ResourceType } from '../resources/resource-type.ts';
import { decodeBody } from '../writes/decode.ts';
import type { Authenticator } from './authenticator.ts';
import { DEFAULT_AUDIENCE } from './service-account-tokens.ts';
import type { User } from './user.ts';

export type ReviewAnswer = JsonObject;
type ReviewCall = Omit<Call, 'type'>;

const SHORTEST_TOKEN_SECONDS = 600;
const LONGEST_TOKEN_SECONDS = 2 ** 32;
const DEFAULT_TOKEN_SECONDS = 3600;

export class Reviews {
  readonly #backend: Backend;
  readonly #authenticator: Authenticator;

  constructor(backend: Backend, authenticator: Authenticator) {
    this.#backend = backend;
    this.#authenticator = authenticator;
  }

  /** Undefined when the call is about an ordinary resource. */
  answer(call: ReviewCall, type: ResourceType | undefined): ReviewAnswer | undefined {
    const { target } = call;
    if (type === serviceAccounts && target.subresource === 'token') {
      if (target.verb !== 'create') throw methodNotAllowed();
      return this.#tokenRequest({ ...call, type });
    }
    const review = REVIEWS.find(
      (candidate) =>
        candidate.group === target.group &&
        candidate.version === target.version &&
        candidate.plural === target.plural,
    );
    if (!review) return undefined;
    if (target.verb !== 'create') throw methodNotAllowed();
    const body = decodeBody(call as Call);
    if (body['kind'] !== review.kind) throw badRequest(`expected a ${review.kind}`);
    const answered = { metadata: {}, ...body };
    switch (review.kind) {
      case 'TokenReview':
        return { ...answered, status: this.#tokenReview(asObject(body['spec'])) };
      case 'SelfSubjectReview':
        return { ...answered, status: { userInfo: userInfo(call.user) } };
      case 'SelfSubjectRulesReview':
        return { ...answered, status: EVERYTHING };
      default:
        return { ...answered, status: this.#accessReview(call, asObject(body['spec'])) };
    }
  }

  /** Whether the caller, or the user whom the review names, may do something. */
  #accessReview(call: ReviewCall, spec: JsonObject): JsonObject {
    const named = asString(spec['user']);
    const user = named
      ? { username: named, groups: asArray(spec['groups']).map(String) }
      : call.user;
    const resource = asObject(spec['resourceAttributes']);
    const paths = asObject(spec['nonResourceAttributes']);
    const isPath = spec['nonResourceAttributes'] !== undefined;
    const text = (field: string): string => asString(resource[field]);
    const why = this.#backend.authorizer.allowedBecause({
      user,
      verb: asString(isPath ? paths['verb'] : resource['verb']),
      group: text('group'),
      resource: text('resource'),
      subresource: text('subresource'),
      namespace: text('namespace') || call.target.namespace,
      name: text('name'),
      path: isPath ? asString(paths['path']) : undefined,
    });
    return why === undefined ? { allowed: false } : { allowed: true, reason: `allowed by ${why}` };
  }

  #tokenReview(spec: JsonObject): JsonObject {
    const token = asString(spec['token']);
    if (!token) {
      return { user: {}, error: '[invalid bearer token, no token given]' };
    }
    const wanted = asArray(spec['audiences']).map(String);
    const audiences = wanted.length > 0 ? wanted : [DEFAULT_AUDIENCE];
    const known = this.#authenticator.userOf(token);
    const shared = known?.audiences
      ? audiences.filter((audience) => known.audiences!.includes(audience))
      : audiences;
    if (!known || shared.length === 0) {
      return {
        user: {},
        error: '[invalid bearer token, unknown token, wrong audience or expired]',
      };
    }
    return { authenticated: true, user: userInfo(known.user), audiences: shared };
  }

  #tokenRequest(call: Call): JsonObject {
    const { target, type } = call;
    const { shelf } = serviceAccounts;
    const account = this.#backend.store.shelf(shelf).get(`${target.namespace}/${target.name}`);
    if (!account) throw notFound(type, target.name);
    const body = call.body ? decodeBody(call) : {};
    const spec = asObject(body['spec']);
    const seconds = Number(spec['expirationSeconds'] ?? DEFAULT_TOKEN_SECONDS);
    const tokenType = {
      group: 'authentication.k8s.io',
      plural: 'tokenrequests',
      kind: 'TokenRequest',
    };
    if (seconds < SHORTEST_TOKEN_SECONDS || seconds > LONGEST_TOKEN_SECONDS) {
      const words =
        seconds < SHORTEST_TOKEN_SECONDS
          ? 'may not specify a duration less than 10 minutes'
          : 'may not specify a duration larger than 2^32 seconds';
      throw invalid(tokenType, '', [cause.invalid('spec.expirationSeconds', seconds, words)]);
    }
    const asked = asArray(spec['audiences']).map(String);
    const audiences = asked.length > 0 ? asked : [DEFAULT_AUDIENCE];
    const bound = this.#bound(asObject(spec['boundObjectRef']), target.namespace);
    const issued = this.#authenticator.serviceAccounts.issue({
      account,
      audiences,
      expiresInSeconds: seconds,
      ...bound,
    });
    return {
      kind: 'TokenRequest',
      apiVersion: 'authentication.k8s.io/v1',
      metadata: {
        name: account.metadata.name,
        namespace: account.metadata.namespace,
        creationTimestamp: formatTime(this.#backend.clock.now()),
      },
      spec: {
        ...spec,
        audiences,
        expirationSeconds: seconds,
        boundObjectRef: spec['boundObjectRef'] ?? null,
      },
      status: {
        token: issued.token,
        expirationTimestamp: formatTime(issued.expiresAtMilliseconds),
      },
    };
  }

  #bound(
    reference: JsonObject,
    namespace: string,
  ): { boundPod?: KubeObject; boundNode?: KubeObject } {
    const { kind, name, uid } = reference;
    if (!kind) return {};
    const type = kind === 'Pod' ? pods : kind === 'Node' ? nodes : undefined;
    if (!type)
      throw new StatusError(400, 'BadRequest', `cannot bind token for ${String(kind)} objects`);
    const key = type.namespaced ? `${namespace}/${asString(name)}` : asString(name);
    const object = this.#backend.store.shelf(type.shelf).get(key);
    if (!object) throw notFound(type, asString(name));
    if (uid && uid !== object.metadata.uid) {
      const words = `the UID in the bound object reference (${String(uid)}) does not match the UID in record. The object might have been deleted and then recreated`;
      throw conflict(type, asString(name), words);
    }
    if (type === nodes) return { boundNode: object };
    const node = this.#authenticator.serviceAccounts.nodeOf(object);
    return { boundPod: object, ...(node ? { boundNode: node } : {}) };
  }
}

const EVERYTHING = {
  resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }],
  nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
  incomplete: false,
};

function userInfo(user: User): JsonObject {
  const { username, uid, groups, extra } = user;
  return { username, ...(uid ? { uid } : {}), groups, ...(extra ? { extra } : {}) };
}
