// Sets of fields, kept as they are stored in managedFields (FieldsV1): a trie of path elements.
// An element with nothing below it is a member; one with children is a member when it has ".".

export type FieldSet = Readonly<{ [element: string]: FieldSet }>;

const SELF = '.';
const MEMBER: FieldSet = Object.freeze({});

export function isMember(node: FieldSet): boolean {
  return SELF in node || Object.keys(node).length === 0;
}

export function childrenOf(node: FieldSet): [string, FieldSet][] {
  return Object.entries(node).filter(([element]) => element !== SELF);
}

/** A node, or undefined when there would be nothing in it. */
export function makeNode(
  member: boolean,
  children: readonly (readonly [string, FieldSet | undefined])[],
): FieldSet | undefined {
  const present = children.filter((child) => child[1] !== undefined) as [string, FieldSet][];
  if (present.length === 0) return member ? MEMBER : undefined;
  const below = Object.fromEntries(present);
  return member ? { [SELF]: MEMBER, ...below } : below;
}

/** Of an undefined set nothing is a member; the root itself never is. */
type Maybe = FieldSet | undefined;

export function union(left: Maybe, right: Maybe): Maybe {
  if (!left || !right) return left ?? right;
  const elements = new Set([...childrenOf(left), ...childrenOf(right)].map(([key]) => key));
  const children = [...elements].map((key) => [key, union(left[key], right[key])] as const);
  return makeNode(isMember(left) || isMember(right), children);
}

export function difference(left: Maybe, right: Maybe): Maybe {
  if (!left || !right) return left;
  const children = childrenOf(left).map(
    ([key, child]) => [key, difference(child, right[key])] as const,
  );
  return makeNode(isMember(left) && !isMember(right), children);
}

export function intersection(left: Maybe, right: Maybe): Maybe {
  if (!left || !right) return undefined;
  const children = childrenOf(left).map(
    ([key, child]) => [key, intersection(child, right[key])] as const,
  );
  return makeNode(isMember(left) && isMember(right), children);
}

/** Every member's path in the notation of conflicts: `.spec.ports[port=80].name`. */
export function memberPaths(node: FieldSet, prefix = ''): string[] {
  const own = prefix !== '' && isMember(node) ? [prefix] : [];
  const below = childrenOf(node).flatMap(([element, child]) =>
    memberPaths(child, prefix + shownElement(element)),
  );
  return [...own, ...below];
}

function shownElement(element: string): string {
  const rest = element.slice(2);
  if (element.startsWith('f:')) return `.${rest}`;
  if (element.startsWith('v:')) return `[=${rest}]`;
  if (!element.startsWith('k:')) return `[${rest}]`;
  const keys = Object.entries(JSON.parse(rest) as Record<string, unknown>);
  return `[${keys.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(',')}]`;
}
