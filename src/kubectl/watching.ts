// Waits for one object by watching it, so that a change is seen when it happens.
import type { AnyObject, DeepReadonly, Resource } from '../api/object.ts';
import { createCaches, type ObjectReference } from '../kube/index.ts';
import type { Session } from './command.ts';

/**
 * Calls `look` with the object as it is and after each change (undefined: there is none) until it
 * answers something; resolves with that. Undefined when the session's signal was aborted first.
 */
export async function watchUntil<T extends AnyObject, Answer>(
  session: Session,
  target: { readonly resource: Resource<T>; readonly reference: ObjectReference },
  look: (object: DeepReadonly<T> | undefined) => Answer | undefined,
): Promise<Answer | undefined> {
  const { resource, reference } = target;
  const { namespace, name } = reference;
  // A plain read first: a missing right is then an error at once, not a long wait.
  const first = look((await session.client.get(resource, reference)) as DeepReadonly<T>);
  if (first !== undefined) return first;
  const caches = createCaches(session);
  const store = caches.add(resource, {
    namespace,
    fieldSelector: `metadata.name=${name}`,
    accepts: (object) => object.metadata.name === name,
  });
  const ended = new AbortController();
  const signal = AbortSignal.any([session.signal, ended.signal]);
  const { promise, resolve } = Promise.withResolvers<Answer | undefined>();
  const lookAgain = (): void => {
    const answer = look(store.get(namespace, name));
    if (answer !== undefined) resolve(answer);
  };
  signal.addEventListener('abort', () => resolve(undefined), { once: true });
  store.subscribe(lookAgain);
  const running = caches.start(signal);
  store.whenSynced(signal).then(lookAgain, () => {});
  try {
    return await promise;
  } finally {
    ended.abort();
    await running;
  }
}
