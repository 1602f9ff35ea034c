// What every operation needs: the store, what is served, and the sources of time and chance.
import type { Clock } from '../../runtime/clock.ts';
import type { Random } from '../../runtime/random.ts';
import type { User } from './authentication/user.ts';
import type { Authorizer } from './authorization/authorizer.ts';
import type { Registry } from './resources/registry.ts';
import type { ResourceType } from './resources/resource-type.ts';
import type { Store } from './storage/store.ts';
import type { Target } from './target.ts';

export interface Backend {
  readonly clock: Clock;
  readonly random: Random;
  readonly store: Store;
  readonly registry: Registry;
  readonly authorizer: Authorizer;
}

/** One authenticated request for a resource that exists. */
export interface Call {
  readonly target: Target;
  readonly type: ResourceType;
  readonly user: User;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
  readonly signal: AbortSignal | undefined;
  /** Sentences for the client's `Warning` headers. */
  readonly warnings: string[];
}
