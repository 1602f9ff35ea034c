// Schemas at work: defaults, pruning, types, bounds, CEL, and the field that a refusal names.
import assert from 'node:assert/strict';
import { type Cases, contract, refused, succeeded } from './case.ts';
import { DEFINITIONS, type Json } from './cluster.ts';
import { aSimpleDefinition } from './widgets.ts';

interface Wrong {
  readonly spec: Json;
  readonly fields: readonly string[];
  readonly message: RegExp;
}

const WRONG: Readonly<Record<string, Wrong>> = {
  'text where a number belongs': {
    spec: { size: 'big' },
    fields: ['spec.size'],
    message: /spec\.size: Invalid value: "string": .*must be of type integer: "string"/,
  },
  'a number where text belongs': {
    spec: { color: 3 },
    fields: ['spec.color'],
    message: /spec\.color: Invalid value: "integer": .*must be of type string: "integer"/,
  },
  'a list where an object belongs': {
    spec: { nested: [] },
    fields: ['spec.nested'],
    message: /spec\.nested: Invalid value: "array": .*must be of type object: "array"/,
  },
  'an object where a list belongs': {
    spec: { steps: {} },
    fields: ['spec.steps'],
    message: /spec\.steps: Invalid value: "object": .*must be of type array: "object"/,
  },
  'text where a boolean belongs': {
    spec: { enabled: 'yes' },
    fields: ['spec.enabled'],
    message: /must be of type boolean: "string"/,
  },
  'a fraction where an integer belongs': {
    spec: { size: 1.5 },
    fields: ['spec.size'],
    message: /must be of type integer: "number"/,
  },
  'a number below its minimum': {
    spec: { size: -1 },
    fields: ['spec.size'],
    message:
      /spec\.size: Invalid value: -1: spec\.size in body should be greater than or equal to 0/,
  },
  'a number above its maximum': {
    spec: { size: 101, limit: 200 },
    fields: ['spec.size'],
    message:
      /spec\.size: Invalid value: 101: spec\.size in body should be less than or equal to 100/,
  },
  'a value outside its enumeration': {
    spec: { color: 'green' },
    fields: ['spec.color'],
    message: /spec\.color: Unsupported value: "green": supported values: "red", "blue"/,
  },
  'text against its pattern': {
    spec: { code: 'ABC' },
    fields: ['spec.code'],
    message: /spec\.code: Invalid value: "ABC": spec\.code in body should match '\^\[a-z\]\+\$'/,
  },
  'text that is too long': {
    spec: { code: 'abcdef' },
    fields: ['spec.code'],
    message: /spec\.code: Too long: may not be more than 5 bytes/,
  },
  'text that is too short': {
    spec: { code: 'a' },
    fields: ['spec.code'],
    message: /spec\.code: Invalid value: "a": spec\.code in body should be at least 2 chars long/,
  },
  'text that is not a time': {
    spec: { when: 'yesterday' },
    fields: ['spec.when'],
    message: /spec\.when: Invalid value: "yesterday": spec\.when in body must be of type date-time/,
  },
  'too many list items': {
    spec: { tags: ['a', 'b', 'c', 'd', 'e'] },
    fields: ['spec.tags'],
    message: /spec\.tags: Too many: 5: must have at most 4 items/,
  },
  'too few list items': {
    spec: { steps: [] },
    fields: ['spec.steps'],
    message: /spec\.steps: Invalid value: 0: spec\.steps in body should have at least 1 items/,
  },
  'too many keys': {
    spec: { labels: { a: '1', b: '2', c: '3', d: '4' } },
    fields: ['spec.labels'],
    message: /spec\.labels: Too many: 4: must have at most 3 items/,
  },
  'a value of the wrong type under a free key': {
    spec: { labels: { a: 1 } },
    fields: ['spec.labels.a'],
    message: /must be of type string: "integer"/,
  },
  'a duplicate in a set': {
    spec: { tags: ['a', 'b', 'a'] },
    fields: ['spec.tags[2]'],
    message: /spec\.tags\[2\]: Duplicate value: "a"/,
  },
  'a duplicate key in a keyed list': {
    spec: { parts: [{ name: 'a' }, { name: 'a' }] },
    fields: ['spec.parts[1]'],
    message: /spec\.parts\[1\]: Duplicate value: \{"name":"a"\}/,
  },
  'a list item without its required field': {
    spec: { parts: [{ count: 1 }] },
    fields: ['spec.parts[0].name'],
    message: /spec\.parts\[0\]\.name: Required value/,
  },
  'a boolean where a number or text belongs': {
    spec: { port: true },
    fields: ['spec.port'],
    message: /spec\.port: Invalid value: "boolean"/,
  },
  'two faults at once': {
    spec: { size: -1, color: 'green' },
    fields: ['spec.size', 'spec.color'],
    message: /is invalid: \[/,
  },
  'a rule over two fields, at the field it names': {
    spec: { size: 11 },
    fields: ['spec.size'],
    message: /spec\.size: Invalid value: .*size must not exceed limit/,
  },
  'a rule whose message is computed, with its reason': {
    spec: { min: 3, max: 2 },
    fields: ['spec'],
    message: /spec: Forbidden: min is greater than max/,
  },
};

function refusals(): Cases {
  const cases: Record<string, Cases[string]> = {};
  Object.entries(WRONG).forEach(([name, { spec, fields, message }], index) => {
    cases[`refuses ${name}`] = async (cluster) => {
      const answer = await cluster.create(
        cluster.widgets(),
        cluster.aWidget(`wrong-${index}`, spec),
      );
      const status = refused(answer, { code: 422, reason: 'Invalid', message });
      const found = status.details.causes.map((cause: Json) => cause.field);
      const named = new Set(found.filter((field: string) => !field.startsWith('<')));
      assert.deepEqual([...named].sort(), [...fields].sort(), answer.text);
    };
  });
  return cases;
}

contract('validation', {
  ...refusals(),
  'fills in defaults, nested ones too': async (cluster) => {
    const body = await cluster.made(
      cluster.widgets(),
      cluster.aWidget('defaults', { parts: [{ name: 'a' }] }),
    );
    assert.equal(body.spec.limit, 10);
    assert.deepEqual(body.spec.nested, { mode: 'plain', depth: 3 });
    assert.deepEqual(body.spec.parts, [{ name: 'a', count: 1 }]);
  },
  'fills in a part of an object that is given': async (cluster) => {
    const body = await cluster.made(
      cluster.widgets(),
      cluster.aWidget('part', { nested: { mode: 'deep' } }),
    );
    assert.deepEqual(body.spec.nested, { mode: 'deep', depth: 3 });
  },
  'fills in a spec that is missing': async (cluster) => {
    const widget = cluster.aWidget('no-spec');
    delete widget.spec;
    const body = await cluster.made(cluster.widgets(), widget);
    assert.equal(body.spec.limit, 10);
  },
  'replaces null by the default where null is not allowed': async (cluster) => {
    const body = await cluster.made(
      cluster.widgets(),
      cluster.aWidget('null-default', { limit: null }),
    );
    assert.equal(body.spec.limit, 10);
  },
  'drops null where it is not allowed and nothing stands in': async (cluster) => {
    const body = await cluster.made(
      cluster.widgets(),
      cluster.aWidget('null-dropped', { size: null }),
    );
    assert.ok(!('size' in body.spec));
  },
  'keeps null where it is allowed': async (cluster) => {
    const body = await cluster.made(
      cluster.widgets(),
      cluster.aWidget('null-kept', { note: null }),
    );
    assert.equal(body.spec.note, null);
  },
  'prunes what the schema does not know': async (cluster) => {
    const body = await cluster.made(cluster.widgets(), {
      ...cluster.aWidget('pruned', { size: 1, unknown: 1, nested: { strange: true } }),
      extra: 1,
    });
    assert.equal(body.spec.unknown, undefined);
    assert.equal(body.spec.nested.strange, undefined);
    assert.equal(body.extra, undefined);
  },
  'keeps unknown fields where the schema says so': async (cluster) => {
    const free = { a: { b: [1, 'two'] } };
    const body = await cluster.made(cluster.widgets(), cluster.aWidget('free', { free }));
    assert.deepEqual(body.spec.free, free);
  },
  'takes a number or text where both are allowed': async (cluster) => {
    const number = await cluster.made(cluster.widgets(), cluster.aWidget('port-1', { port: 80 }));
    const text = await cluster.made(cluster.widgets(), cluster.aWidget('port-2', { port: '80%' }));
    assert.deepEqual([number.spec.port, text.spec.port], [80, '80%']);
  },
  'fieldValidation=Strict refuses unknown fields': async (cluster) => {
    const path = `${cluster.widgets()}?fieldValidation=Strict`;
    const answer = await cluster.create(path, cluster.aWidget('strict', { unknown: 1 }));
    refused(answer, {
      code: 400,
      reason: 'BadRequest',
      message: /strict decoding error: unknown field "spec\.unknown"/,
    });
  },
  'fieldValidation=Strict refuses fields given twice': async (cluster) => {
    const text = `{"apiVersion":"${cluster.group}/v1","kind":"Widget","metadata":{"name":"dup"},"spec":{"size":1,"size":2}}`;
    const answer = await cluster.create(`${cluster.widgets()}?fieldValidation=Strict`, text);
    refused(answer, {
      code: 400,
      reason: 'BadRequest',
      message:
        /strict decoding error: .*(duplicate field "spec\.size"|key "size" already set in map)/,
    });
  },
  'fieldValidation=Warn warns': async (cluster) => {
    const path = `${cluster.widgets()}?fieldValidation=Warn`;
    const answer = await cluster.create(path, cluster.aWidget('warned', { unknown: 1 }));
    succeeded(answer, 201);
    assert.equal(answer.headers.get('warning'), '299 - "unknown field \\"spec.unknown\\""');
  },
  'fieldValidation=Ignore is silent': async (cluster) => {
    const path = `${cluster.widgets()}?fieldValidation=Ignore`;
    const answer = await cluster.create(path, cluster.aWidget('ignored', { unknown: 1 }));
    succeeded(answer, 201);
    assert.equal(answer.headers.get('warning'), null);
  },
  'an unknown fieldValidation is refused': async (cluster) => {
    const path = `${cluster.widgets()}?fieldValidation=Maybe`;
    const answer = await cluster.create(path, cluster.aWidget('maybe'));
    refused(answer, { code: 422, reason: 'Invalid', fields: ['fieldValidation'] });
  },
  'an immutable field can be set once': async (cluster) => {
    await cluster.made(cluster.widgets(), cluster.aWidget('owned', {}));
    const path = cluster.widgets('owned');
    succeeded(await cluster.patch('merge', path, { spec: { owner: 'ann' } }));
    const answer = await cluster.patch('merge', path, { spec: { owner: 'bob' } });
    refused(answer, {
      code: 422,
      reason: 'Invalid',
      fields: ['spec.owner'],
      message: /spec\.owner: Invalid value: .*owner is immutable/,
    });
  },
  'a field rule does not see its removal, a rule above it does': async (cluster) => {
    const spec = { owner: 'ann', frozen: 'ice' };
    await cluster.made(cluster.widgets(), cluster.aWidget('removal', spec));
    const path = cluster.widgets('removal');
    succeeded(await cluster.patch('merge', path, { spec: { owner: null } }));
    const answer = await cluster.patch('merge', path, { spec: { frozen: null } });
    refused(answer, {
      code: 422,
      reason: 'Invalid',
      fields: ['spec'],
      message: /frozen stays as it was/,
    });
  },
  'a status is validated too': async (cluster) => {
    await cluster.made(cluster.widgets(), cluster.aWidget('bad-status'));
    const status = { conditions: [{ type: 'Ready', status: 'Perhaps' }] };
    const answer = await cluster.patch('merge', `${cluster.widgets('bad-status')}/status`, {
      status,
    });
    refused(answer, {
      code: 422,
      reason: 'Invalid',
      message:
        /status\.conditions\[0\]\.status: Unsupported value: "Perhaps": supported values: "True", "False", "Unknown"/,
    });
  },
  'a definition without a structural schema is refused': async (cluster) => {
    const answer = await cluster.create(
      DEFINITIONS,
      aSimpleDefinition(`odd.${cluster.group}`, 'gadgets', { size: {} }),
    );
    refused(answer, {
      code: 422,
      reason: 'Invalid',
      message: /properties\[size\]\.type: Required value: must not be empty/,
    });
  },
  'a definition with a rule that does not compile is refused': async (cluster) => {
    const size = { type: 'integer', 'x-kubernetes-validations': [{ rule: 'self.nothing > 1' }] };
    const answer = await cluster.create(
      DEFINITIONS,
      aSimpleDefinition(`odd.${cluster.group}`, 'gadgets', { size }),
    );
    refused(answer, {
      code: 422,
      reason: 'Invalid',
      message: /x-kubernetes-validations\[0\]\.rule: Invalid value: .*compilation failed/,
    });
  },
  'a definition must be named plural.group': async (cluster) => {
    const definition = aSimpleDefinition(`odd.${cluster.group}`, 'gadgets');
    definition.metadata.name = `other.${cluster.group}`;
    const answer = await cluster.create(DEFINITIONS, definition);
    refused(answer, { code: 422, reason: 'Invalid', fields: ['metadata.name'] });
  },
});
