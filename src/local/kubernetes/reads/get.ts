// Reads one object.
import type { Backend, Call } from '../backend.ts';
import { notFound } from '../objects/status-error.ts';
import { find } from '../writes/update.ts';
import { representationOf, representOne } from './representation.ts';

export function getObject(backend: Backend, call: Call): object {
  const { type, target, headers } = call;
  const representation = representationOf(headers['accept'], target.query, backend.clock.now());
  const found = find(backend, call);
  if (!found) throw notFound(type, target.name);
  return representOne(found, type, representation);
}
