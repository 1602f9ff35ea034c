// Who asks for credentials: the agent of which node. The agent shows a token that is good for this one
// purpose (its audience) and bound to its pod; the API server says whose it is and where that pod runs.
import { createHash } from 'node:crypto';
import type { KubeClient } from '../../kube/index.ts';
import type { Clock } from '../../runtime/clock.ts';

export type Caller =
  | { readonly type: 'agent'; readonly nodeName: string }
  | { readonly type: 'refused'; readonly status: 401 | 403; readonly message: string };

export interface CallerOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  /** Tokens made for anything else are refused. */
  readonly audience: string;
  /** `system:serviceaccount:<namespace>:<name>` of the agents. */
  readonly agentUsername: string;
}

interface TokenReviewAnswer {
  readonly status?: {
    readonly authenticated?: boolean;
    readonly audiences?: readonly string[];
    readonly error?: string;
    readonly user?: {
      readonly username?: string;
      readonly extra?: Readonly<Record<string, readonly string[]>>;
    };
  };
}

const TOKEN_REVIEWS = '/apis/authentication.k8s.io/v1/tokenreviews';
const NODE_NAME = 'authentication.kubernetes.io/node-name';
/** A node's mounts ask one after the other; a token that was taken back counts no longer than this. */
const REMEMBERED_MILLISECONDS = 30_000;
const REMEMBERED_MAX = 10_000;

export class CallerReview {
  readonly #options: CallerOptions;
  readonly #known = new Map<string, { readonly nodeName: string; readonly until: number }>();

  constructor(options: CallerOptions) {
    this.#options = options;
  }

  async identify(authorization: string | undefined): Promise<Caller> {
    const token = /^Bearer ([\w.~+/=-]+)$/.exec(authorization ?? '')?.[1];
    if (token === undefined) return refuse(401, 'no bearer token was shown');
    const key = createHash('sha256').update(token).digest('hex');
    const now = this.#options.clock.monotonic();
    const known = this.#known.get(key);
    if (known && known.until > now) return { type: 'agent', nodeName: known.nodeName };
    const caller = await this.#review(token);
    if (caller.type === 'agent') this.#remember(key, caller.nodeName, now);
    return caller;
  }

  #remember(key: string, nodeName: string, now: number): void {
    for (const [other, { until }] of this.#known)
      if (until <= now || this.#known.size >= REMEMBERED_MAX) this.#known.delete(other);
    this.#known.set(key, { nodeName, until: now + REMEMBERED_MILLISECONDS });
  }

  async #review(token: string): Promise<Caller> {
    const { client, audience, agentUsername } = this.#options;
    const { status } = await client.post<TokenReviewAnswer>(TOKEN_REVIEWS, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      spec: { token, audiences: [audience] },
    });
    // A server that knows no audiences would take any token: it has to repeat ours.
    if (status?.authenticated !== true || !status.audiences?.includes(audience))
      return refuse(401, `the token is not valid for the audience ${audience}`);
    const { username, extra } = status.user ?? {};
    if (username !== agentUsername)
      return refuse(403, `${username} is not the service account of the agents, ${agentUsername}`);
    const nodeName = extra?.[NODE_NAME]?.[0];
    if (!nodeName)
      return refuse(
        403,
        'the token does not say on which node its pod runs; that takes Kubernetes 1.30 or later ' +
          'and a projected token',
      );
    return { type: 'agent', nodeName };
  }
}

function refuse(status: 401 | 403, message: string): Caller {
  return { type: 'refused', status, message };
}
