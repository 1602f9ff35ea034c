// What an API server would refuse, or a user stumble over, in any of the CRDs. The API server has
// the last word in the contract tests; these say it without one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RE2JS } from 're2js';
import type { Rule } from '../rules.ts';
import {
  type CustomResourceDefinition,
  customResourceDefinitionFiles,
  customResourceDefinitions,
} from './index.ts';
import type { StructuralSchema } from './structural.ts';

interface Place {
  kind: string;
  path: string;
  schema: StructuralSchema;
}

function* placesOf(schema: StructuralSchema, path: string, kind: string): Generator<Place> {
  yield { kind, path, schema };
  for (const [name, member] of Object.entries(schema.properties ?? {})) {
    yield* placesOf(member, `${path}.${name}`, kind);
  }
  if (schema.items) yield* placesOf(schema.items, `${path}[]`, kind);
  if (schema.additionalProperties) yield* placesOf(schema.additionalProperties, `${path}.*`, kind);
}

const definitions = customResourceDefinitions();
const places = definitions.flatMap((definition) => [
  ...placesOf(schemaOf(definition), '', definition.metadata.name),
]);

function version(definition: CustomResourceDefinition) {
  const [only] = definition.spec.versions;
  assert.ok(only);
  return only;
}

function schemaOf(definition: CustomResourceDefinition): StructuralSchema {
  return version(definition).schema.openAPIV3Schema;
}

/** Names of the places for which the test fails; an empty list is what is wanted. */
function failing(test: (place: Place) => boolean): string[] {
  return places.filter(test).map(({ kind, path }) => `${kind}${path}`);
}

/** The schema at a simple path such as `.status.conditions`, and undefined where there is none. */
function at(schema: StructuralSchema, path: string): StructuralSchema | undefined {
  let here: StructuralSchema | undefined = schema;
  for (const name of path.split('.').slice(1)) here = here?.properties?.[name];
  return here;
}

test('the same code makes the same text', () => {
  assert.deepEqual(customResourceDefinitionFiles(), customResourceDefinitionFiles());
  for (const { name, text } of customResourceDefinitionFiles()) {
    assert.match(name, /^poolkeeper\.dev_[a-z]+\.yaml$/);
    assert.match(text, /^# Generated/);
    assert.doesNotMatch(text, /[&*]a[0-9]/, 'no YAML anchors');
  }
});

test('every field has a description that ends as a sentence', () => {
  assert.deepEqual(
    failing(
      ({ path, schema }) =>
        path !== '' &&
        !path.endsWith('[]') &&
        !path.endsWith('.*') &&
        path !== '.metadata' &&
        !/[.:]$/.test(schema.description ?? ''),
    ),
    [],
  );
});

test('every text, list and map has a greatest length, or rules would cost too much', () => {
  const isBounded = ({ path, schema }: Place) => {
    if (path === '.apiVersion' || path === '.kind' || path === '.metadata') return true;
    if (schema.type === 'array') return schema.maxItems !== undefined;
    if (schema.additionalProperties !== undefined) return schema.maxProperties !== undefined;
    if (schema.type !== 'string') return true;
    return schema.maxLength !== undefined || schema.enum !== undefined;
  };
  assert.deepEqual(
    failing((place) => !isBounded(place)),
    [],
  );
});

test('every pattern is RE2 and of one meaning in JavaScript', () => {
  for (const { schema, path } of places) {
    if (schema.pattern === undefined) continue;
    assert.doesNotThrow(() => RE2JS.compile(schema.pattern as string), path);
    assert.doesNotThrow(() => new RegExp(schema.pattern as string, 'u'), path);
    assert.match(schema.pattern, /^\^.*\$$/, `${path} must be anchored`);
  }
});

test('a field with a default is not required, and the default fits its type', () => {
  for (const { schema, path } of places) {
    for (const name of schema.required ?? []) {
      assert.equal(schema.properties?.[name]?.default, undefined, `${path}.${name}`);
    }
    if (schema.default === undefined) continue;
    const type = Array.isArray(schema.default) ? 'array' : typeof schema.default;
    assert.equal(type === 'number' ? 'integer' : type, schema.type, path);
    if (schema.enum) assert.ok(schema.enum.includes(schema.default), path);
    if (schema.pattern) assert.match(String(schema.default), new RegExp(schema.pattern), path);
  }
});

test('rules have a message that says what to do, and blame a field that exists', () => {
  for (const { kind, schema, path } of places) {
    for (const rule of (schema['x-kubernetes-validations'] ?? []) as Rule[]) {
      assert.match(rule.message, /must|cannot|only|needs|not allowed|reserved/, `${kind}${path}`);
      assert.doesNotMatch(rule.message, /\n/);
      assert.ok(rule.message.length <= 2048);
      if (rule.fieldPath === undefined) continue;
      assert.ok(at(schema, rule.fieldPath), `${kind}${path}: no field ${rule.fieldPath}`);
    }
  }
});

test('lists keyed by a field require that field', () => {
  for (const { schema, path } of places) {
    for (const key of schema['x-kubernetes-list-map-keys'] ?? []) {
      assert.ok(schema.items?.required?.includes(key), `${path}: ${key}`);
    }
  }
});

test('columns and selectable fields point at fields that exist', () => {
  for (const definition of definitions) {
    const { additionalPrinterColumns, selectableFields = [] } = version(definition);
    const paths = [...additionalPrinterColumns, ...selectableFields].map(
      (entry) => (entry as { jsonPath: string }).jsonPath,
    );
    for (const path of paths) {
      if (path.startsWith('.metadata.')) continue;
      const field = path.replace(/\[\?.*$/, '');
      assert.ok(at(schemaOf(definition), field), `${definition.metadata.name}: ${path}`);
    }
  }
});

test('conditions are a map by type with the limits of metav1.Condition', () => {
  for (const definition of definitions) {
    const conditions = at(schemaOf(definition), '.status.conditions');
    assert.equal(conditions?.['x-kubernetes-list-type'], 'map');
    assert.deepEqual(conditions?.['x-kubernetes-list-map-keys'], ['type']);
    assert.equal(conditions?.items?.properties?.['message']?.maxLength, 32_768);
    assert.equal(conditions?.items?.properties?.['reason']?.maxLength, 1024);
    assert.equal(conditions?.items?.properties?.['type']?.maxLength, 316);
    assert.deepEqual(conditions?.items?.required, [
      'type',
      'status',
      'lastTransitionTime',
      'reason',
      'message',
    ]);
  }
});

test('every kind has a status subresource and belongs to `kubectl get poolkeeper`', () => {
  for (const definition of definitions) {
    assert.deepEqual(version(definition).subresources, { status: {} });
    assert.deepEqual((definition.spec.names as { categories: string[] }).categories, [
      'poolkeeper',
    ]);
  }
});
