// The examples in the repository speak the language of the schemas: no unknown field, and zod and
// the CRD agree on what a manifest means.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { groupVersion } from '../resources.ts';
import { rootSchema } from './index.ts';
import { kinds } from './kinds.ts';
import type { StructuralSchema } from './structural.ts';

const folder = path.join(import.meta.dirname, '../../../examples');

interface Manifest {
  apiVersion: string;
  kind: string;
  spec: unknown;
}

const manifests = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.yaml'))
  .flatMap((file) =>
    parseAllDocuments(readFileSync(path.join(folder, file), 'utf8')).map((document) => ({
      file,
      manifest: document.toJS() as Manifest,
    })),
  )
  .filter(({ manifest }) => manifest?.apiVersion === groupVersion);

/** Paths of fields that the schema doesn't know, which an API server would drop. */
function* unknownFields(value: unknown, schema: StructuralSchema, at: string): Generator<string> {
  if (Array.isArray(value)) {
    for (const item of value) yield* unknownFields(item, schema.items ?? {}, `${at}[]`);
  } else if (typeof value === 'object' && value !== null && schema.properties !== undefined) {
    for (const [name, member] of Object.entries(value)) {
      const known = schema.properties[name];
      if (known === undefined) yield `${at}.${name}`;
      else yield* unknownFields(member, known, `${at}.${name}`);
    }
  }
}

for (const { file, manifest } of manifests) {
  test(`${file}: ${manifest.kind} is valid`, () => {
    const kind = kinds.find(({ resource }) => resource.kind === manifest.kind);
    assert.ok(kind, `there is no kind ${manifest.kind}`);
    kind.spec.parse(manifest.spec);
    const schema = rootSchema(kind).properties?.['spec'] ?? {};
    assert.deepEqual([...unknownFields(manifest.spec, schema, 'spec')], []);
  });
}

test('there are examples', () => {
  assert.notEqual(manifests.length, 0);
});
