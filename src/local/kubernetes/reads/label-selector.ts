// Label selectors in the query's text form: `a=b,c!=d,e in (f,g),h notin (i),j,!k`.
import { badRequest } from '../objects/status-error.ts';

type Labels = Readonly<Record<string, string>>;
export type LabelPredicate = (labels: Labels) => boolean;

export function parseLabelSelector(text: string): LabelPredicate {
  const predicates = splitTopLevel(text).map(parseRequirement);
  return (labels) => predicates.every((predicate) => predicate(labels));
}

/** Splits at commas outside parentheses. */
function splitTopLevel(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '(') depth++;
    else if (text[i] === ')') depth--;
    else if (text[i] === ',' && depth === 0) {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  parts.push(text.slice(start));
  return parts.map((part) => part.trim()).filter((part) => part !== '');
}

const KEY = '([A-Za-z0-9][-A-Za-z0-9_./]*)';
const VALUE = '([-A-Za-z0-9_.]*)';
const SET = new RegExp(`^${KEY}\\s+(in|notin)\\s+\\(([^()]*)\\)$`);
const EQUALITY = new RegExp(`^${KEY}\\s*(==|=|!=)\\s*${VALUE}$`);
const ORDER = new RegExp(`^${KEY}\\s*([<>])\\s*(-?\\d+)$`);
const EXISTS = new RegExp(`^(!?)\\s*${KEY}$`);

function parseRequirement(text: string): LabelPredicate {
  const set = SET.exec(text);
  if (set) {
    const [, key, operator, list] = set;
    const values = new Set(list!.split(',').map((value) => value.trim()));
    return operator === 'in'
      ? (labels) => Object.hasOwn(labels, key!) && values.has(labels[key!]!)
      : (labels) => !Object.hasOwn(labels, key!) || !values.has(labels[key!]!);
  }
  const equality = EQUALITY.exec(text);
  if (equality) {
    const [, key, operator, value] = equality;
    return operator === '!=' ? (labels) => labels[key!] !== value : (l) => l[key!] === value;
  }
  const order = ORDER.exec(text);
  if (order) {
    const [, key, operator, bound] = order;
    return (labels) => {
      const value = Number.parseInt(labels[key!] ?? '', 10);
      return operator === '>' ? value > Number(bound) : value < Number(bound);
    };
  }
  const exists = EXISTS.exec(text);
  if (exists) {
    const [, not, key] = exists;
    return (labels) => Object.hasOwn(labels, key!) !== (not === '!');
  }
  throw badRequest(`unable to parse requirement: found '${text}', expected: a label requirement`);
}
