import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import { type StructuralSchema, structuralSchema } from './structural.ts';

const shared = { options: z.string().max(9).default('') };

const union = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('nfs').describe('an export'),
    nfs: z.object({ server: z.string().max(9) }),
    ...shared,
  }),
  z.object({ type: z.literal('local').describe('a folder'), ...shared }),
]);

function messages(schema: StructuralSchema): string[] {
  return (schema['x-kubernetes-validations'] as { message: string }[]).map(
    ({ message }) => message,
  );
}

test('a union becomes one object: tag required, members optional, shared fields once', () => {
  const schema = structuralSchema(union, 'spec');
  assert.equal(schema.type, 'object');
  assert.deepEqual(schema.required, ['type']);
  assert.deepEqual(Object.keys(schema.properties ?? {}), ['type', 'nfs', 'options']);
  assert.deepEqual(schema.properties?.['type'], {
    description: 'Which of the members applies. `nfs`: an export; `local`: a folder.',
    type: 'string',
    enum: ['nfs', 'local'],
  });
});

test('messages name the field and the fix', () => {
  assert.deepEqual(messages(structuralSchema(union, 'spec')), [
    'spec.nfs must be set when type is nfs',
    'spec.nfs may only be set when type is nfs: remove it or change type',
  ]);
});

test('a member named by a reserved word of CEL is wrapped', () => {
  const schema = structuralSchema(
    z.discriminatedUnion('type', [
      z.object({ type: z.literal('a'), package: z.object({ x: z.int() }) }),
      z.object({ type: z.literal('b') }),
    ]),
    'spec',
  );
  assert.match(JSON.stringify(schema['x-kubernetes-validations']), /has\(self\.__package__\)/);
});

const refused: Record<string, { schema: z.ZodType; message: RegExp }> = {
  'a union without a tag': {
    schema: z.union([z.object({ a: z.string() }), z.object({ b: z.string() })]),
    message: /schema at spec: a union needs exactly one tag/,
  },
  'branches that disagree about a member': {
    schema: z.discriminatedUnion('type', [
      z.object({ type: z.literal('a'), size: z.string() }),
      z.object({ type: z.literal('b'), size: z.int() }),
    ]),
    message: /size differs between branches/,
  },
  'a map of anything': {
    schema: z.object({ any: z.record(z.string(), z.unknown()) }),
    message: /schema at spec\.any/,
  },
  'values of any type': { schema: z.object({ x: z.unknown() }), message: /spec\.x: a type/ },
  tuples: { schema: z.object({ x: z.tuple([z.string()]) }), message: /schema at spec\.x/ },
};

test('what a CRD cannot say is refused with its path', () => {
  for (const [name, { schema, message }] of Object.entries(refused)) {
    assert.throws(() => structuralSchema(schema, 'spec'), { message }, name);
  }
});
