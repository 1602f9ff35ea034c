// Which of our kinds somebody means by `ipool/boxes` or `storagepool pool1`.
import type { AnyObject, Condition, Resource } from '../api/object.ts';
import * as resources from '../api/resources.ts';
import { UsageError } from './usage-error.ts';

/** As much of any of our objects as every command can rely on. */
export type ShownObject = AnyObject & {
  spec?: Record<string, unknown>;
  status?: { observedGeneration?: number; phase?: string; conditions?: Condition[] };
};

const kinds = Object.values(resources).filter(
  (value) => typeof value === 'object',
) as readonly Resource<AnyObject>[] as readonly Resource<ShownObject>[];

export function findKind(word: string): Resource<ShownObject> {
  const wanted = word.toLowerCase().replace(/\..*$/, '');
  const found = kinds.find(
    ({ singular, plural, shortNames }) =>
      wanted === singular || wanted === plural || shortNames.includes(wanted),
  );
  if (found) return found;
  const known = kinds.map(({ singular, shortNames }) => `${singular} (${shortNames[0]})`);
  throw new UsageError(`no kind ${word}; there are ${known.join(', ')}`);
}

/** `ipool/boxes` or `ipool boxes`. */
export function parseTarget(words: readonly string[]): {
  readonly resource: Resource<ShownObject>;
  readonly name: string;
} {
  const [kind, name, ...more] = words.flatMap((word) => word.split('/'));
  if (!kind || !name || more.length > 0)
    throw new UsageError('name one object, such as ipool/boxes');
  return { resource: findKind(kind), name };
}
