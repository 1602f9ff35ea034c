// A tagged union as a CRD can say it: one object with the tag, every branch's member optional, and
// rules in CEL that tie each member to its tag with a sentence that names the field and the fix.
import { celName, type Rule } from '../rules.ts';
import {
  type JsonSchema,
  refuse,
  type StructuralSchema,
  scalarsOf,
  structuralNode,
} from './structural.ts';

interface Member {
  schema: StructuralSchema;
  /** The tags of the branches that have it, and of those that require it. */
  tags: string[];
  requiredBy: string[];
}

export function mergeUnion(
  node: JsonSchema,
  branches: JsonSchema[],
  path: string,
): StructuralSchema {
  const tag = tagOf(branches, path);
  const members = membersOf(branches, tag, path);
  const all = branches.map((branch) => tagValue(branch, tag));
  const out = scalarsOf(node, path);
  out.type = 'object';
  out.properties = { [tag]: tagSchema(branches, tag) };
  out.required = [tag];
  const rules: Rule[] = [];
  for (const [name, member] of members) {
    out.properties[name] = member.schema;
    if (member.tags.length === all.length) {
      if (member.requiredBy.length === all.length) out.required.push(name);
      else if (member.requiredBy.length > 0)
        refuse(path, `${name} is required by some branches only`);
    } else rules.push(...rulesFor(name, member, { tag, path }));
  }
  const present = (out['x-kubernetes-validations'] as Rule[] | undefined) ?? [];
  if (present.length + rules.length > 0) out['x-kubernetes-validations'] = [...present, ...rules];
  return out;
}

/** The one property that every branch fixes to a value of its own. */
function tagOf(branches: JsonSchema[], path: string): string {
  const candidates = Object.keys(branches[0]?.properties ?? {}).filter((name) =>
    branches.every((branch) => branch.properties?.[name]?.enum?.length === 1),
  );
  const [tag, ...others] = candidates;
  if (tag === undefined || others.length > 0) {
    refuse(path, `a union needs exactly one tag, found: ${candidates.join(', ') || 'none'}`);
  }
  return tag;
}

function tagValue(branch: JsonSchema, tag: string): string {
  return String(branch.properties?.[tag]?.enum?.[0]);
}

function tagSchema(branches: JsonSchema[], tag: string): StructuralSchema {
  const meanings = branches.map((branch) => {
    const meaning = branch.properties?.[tag]?.description;
    return `\`${tagValue(branch, tag)}\`${meaning === undefined ? '' : `: ${meaning}`}`;
  });
  return {
    description: `Which of the members applies. ${meanings.join('; ')}.`,
    type: 'string',
    enum: branches.map((branch) => tagValue(branch, tag)),
  };
}

function membersOf(branches: JsonSchema[], tag: string, path: string): Map<string, Member> {
  const members = new Map<string, Member>();
  for (const branch of branches) {
    const value = tagValue(branch, tag);
    for (const [name, property] of Object.entries(branch.properties ?? {})) {
      if (name === tag) continue;
      const schema = structuralNode(property, `${path}.${name}`);
      const member = members.get(name) ?? { schema, tags: [], requiredBy: [] };
      if (JSON.stringify(member.schema) !== JSON.stringify(schema)) {
        refuse(path, `${name} differs between branches`);
      }
      member.tags.push(value);
      if (branch.required?.includes(name)) member.requiredBy.push(value);
      members.set(name, member);
    }
  }
  // The members of single branches first: they are what a reader looks for.
  return new Map([...members].sort(([, one], [, other]) => one.tags.length - other.tags.length));
}

function rulesFor(name: string, member: Member, union: { tag: string; path: string }): Rule[] {
  const { tag, path } = union;
  const has = `has(self.${celName(name)})`;
  const isOneOf = (tags: string[]) => tags.map((value) => `self.${tag} == '${value}'`).join(' || ');
  const rules: Rule[] = [];
  if (member.requiredBy.length > 0) {
    rules.push({
      rule: `!(${isOneOf(member.requiredBy)}) || ${has}`,
      message: `${path}.${name} must be set when ${tag} is ${member.requiredBy.join(' or ')}`,
      fieldPath: `.${name}`,
      reason: 'FieldValueRequired',
    });
  }
  const allowed = `${tag} is ${member.tags.join(' or ')}`;
  rules.push({
    rule: `${isOneOf(member.tags)} || !${has}`,
    message: `${path}.${name} may only be set when ${allowed}: remove it or change ${tag}`,
    fieldPath: `.${name}`,
    reason: 'FieldValueForbidden',
  });
  return rules;
}
