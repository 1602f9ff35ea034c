import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JsonObject } from '../objects/json.ts';
import { aDefinition, aWidget, TestCluster, WIDGETS } from '../test-cluster.ts';

// biome-ignore lint/suspicious/noExplicitAny: answers are read as loosely as a client reads them.
type Loose = any;

const causesOf = (body: JsonObject): string[] =>
  (body as Loose).details.causes.map((cause: Loose) => `${cause.field}: ${cause.message}`);

async function refused(properties: JsonObject, spec: JsonObject): Promise<string[]> {
  const cluster = await new TestCluster().withWidgets({ properties });
  const { code, body } = await cluster.create(WIDGETS, aWidget('a', spec));
  assert.equal(code, 422, JSON.stringify(body));
  return causesOf(body);
}

describe('validation speaks as kube-apiserver does', () => {
  const cases: Record<string, [JsonObject, unknown, string]> = {
    minimum: [
      { type: 'integer', minimum: 3 },
      1,
      'Invalid value: 1: spec.x in body should be greater than or equal to 3',
    ],
    'exclusive maximum': [
      { type: 'number', maximum: 3, exclusiveMaximum: true },
      3,
      'Invalid value: 3: spec.x in body should be less than 3',
    ],
    'multiple of': [
      { type: 'integer', multipleOf: 2 },
      3,
      'Invalid value: 3: spec.x in body should be a multiple of 2',
    ],
    type: [
      { type: 'integer' },
      'one',
      'Invalid value: "string": spec.x in body must be of type integer: "string"',
    ],
    enum: [
      { type: 'string', enum: ['a', 'b'] },
      'c',
      'Unsupported value: "c": supported values: "a", "b"',
    ],
    pattern: [
      { type: 'string', pattern: '^a$' },
      'b',
      `Invalid value: "b": spec.x in body should match '^a$'`,
    ],
    'too long': [{ type: 'string', maxLength: 2 }, 'abc', 'Too long: may not be more than 2 bytes'],
    'too short': [
      { type: 'string', minLength: 2 },
      'a',
      'Invalid value: "a": spec.x in body should be at least 2 chars long',
    ],
    'too many': [
      { type: 'array', maxItems: 1, items: { type: 'integer' } },
      [1, 2],
      'Too many: 2: must have at most 1 item',
    ],
    format: [
      { type: 'string', format: 'ipv4' },
      '1.2',
      'Invalid value: "1.2": spec.x in body must be of type ipv4: "1.2"',
    ],
  };
  for (const [what, [schema, value, words]] of Object.entries(cases)) {
    it(what, async () => {
      assert.deepEqual(await refused({ x: schema }, { x: value }), [`spec.x: ${words}`]);
    });
  }

  it('names every field at once, required ones too', async () => {
    const { body } = await (await new TestCluster().withWidgets()).create(
      WIDGETS,
      aWidget('a', {
        size: -1,
        color: 'green',
        parts: [{ count: 1 }, { name: 'b' }, { name: 'b' }],
      }),
    );
    assert.deepEqual(causesOf(body).toSorted(), [
      'spec.color: Unsupported value: "green": supported values: "red", "blue"',
      'spec.parts[0].name: Required value',
      'spec.parts[2]: Duplicate value: {"name":"b"}',
      'spec.size: Invalid value: -1: spec.size in body should be greater than or equal to 0',
    ]);
    assert.match(String(body['message']), /^Widget\.example\.com "a" is invalid: \[/);
  });
});

describe('rules', () => {
  it('compare fields and name the one to blame', async () => {
    assert.deepEqual(await refused({}, { size: 11 }), [
      'spec.size: Invalid value: size must not exceed limit',
    ]);
  });

  it('compare with the state before, on updates only', async () => {
    const cluster = await new TestCluster().withWidgets();
    assert.equal((await cluster.create(WIDGETS, aWidget('a', { owner: 'me' }))).code, 201);
    const { code, body } = await cluster.patch('merge', `${WIDGETS}/a`, { spec: { owner: 'you' } });
    assert.equal(code, 422);
    assert.deepEqual(causesOf(body), ['spec.owner: Invalid value: "you": owner is immutable']);
  });

  it('leave alone what an update does not touch', async () => {
    const cluster = await new TestCluster().withWidgets();
    await cluster.create(WIDGETS, aWidget('a', { size: 8 }));
    const stricter = aDefinition({ properties: { size: { type: 'integer', maximum: 5 } } });
    const definition =
      '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.example.com';
    await cluster.patch('merge', definition, { spec: stricter['spec'] });
    const untouched = await cluster.patch('merge', `${WIDGETS}/a`, { spec: { color: 'red' } });
    assert.equal(untouched.code, 200);
    const touched = await cluster.patch('merge', `${WIDGETS}/a`, { spec: { size: 7 } });
    assert.equal(touched.code, 422);
  });

  const verdicts: Record<string, [string, JsonObject, boolean]> = {
    'has() of an absent field': ['!has(self.color)', {}, true],
    'integers of 64 bits': ['self.size + 1 == 6', { size: 5 }, true],
    optionals: ["self.?color.orValue('none') == 'none'", {}, true],
    'a sorted list': [
      'self.parts.map(p, p.name).isSorted()',
      { parts: [{ name: 'b' }, { name: 'a' }] },
      false,
    ],
    'sums and extremes': ['[1, 2, 3].sum() == 6 && [1, 2, 3].max() == 3', {}, true],
    'all and exists': [
      "self.parts.all(p, has(p.name)) && self.parts.exists(p, p.name == 'a')",
      { parts: [{ name: 'a' }] },
      true,
    ],
    strings: [
      "self.color.upperAscii() == 'RED' && self.color.replace('r', 'b') == 'bed'",
      { color: 'red' },
      true,
    ],
    durations: ["duration('1h30m') > duration('5m')", {}, true],
    quantities: ["quantity('1Gi').isGreaterThan(quantity('500M'))", {}, true],
    URLs: ["url('https://a.example:8443/p').getHostname() == 'a.example'", {}, true],
  };
  for (const [what, [rule, spec, wanted]] of Object.entries(verdicts)) {
    it(`know ${what}`, async () => {
      const rules = [{ rule, message: 'no' }];
      const cluster = await new TestCluster().withWidgets({ 'x-kubernetes-validations': rules });
      const { code, body } = await cluster.create(WIDGETS, aWidget('a', spec));
      assert.equal(code, wanted ? 201 : 422, JSON.stringify(body));
    });
  }

  it('make their message from the object', async () => {
    const rules = [{ rule: 'false', messageExpression: "'size is ' + string(self.size)" }];
    const cluster = await new TestCluster().withWidgets({ 'x-kubernetes-validations': rules });
    const { body } = await cluster.create(WIDGETS, aWidget('a', { size: 4 }));
    assert.deepEqual(causesOf(body), ['spec: Invalid value: size is 4']);
  });
});

describe('null', () => {
  it('as an item of a list is refused, and as a field is as good as absent', async () => {
    const properties = {
      numbers: { type: 'array', items: { type: 'integer' } },
      free: { type: 'object', additionalProperties: { type: 'string' } },
    };
    const cluster = await new TestCluster().withWidgets({ properties });
    const item = await cluster.create(WIDGETS, aWidget('a', { numbers: [null] }));
    assert.match(causesOf(item.body).join(), /must be of type integer: "null"/);
    const given = { numbers: null, free: { one: null, two: 'b' } };
    const { body } = await cluster.create(WIDGETS, aWidget('b', given));
    assert.deepEqual((body as Loose).spec, { free: { two: 'b' }, limit: 10 });
  });
});

describe('unknown fields', () => {
  it('are dropped with a warning, or refused when strict', async () => {
    const cluster = await new TestCluster().withWidgets();
    const warned = await cluster.create(WIDGETS, aWidget('a', { size: 1, sise: 2 }));
    assert.deepEqual((warned.body as Loose).spec, { size: 1, limit: 10 });
    assert.match(warned.headers['warning'] ?? '', /unknown field \\"spec.sise\\"/);
    const strict = await cluster.create(
      `${WIDGETS}?fieldValidation=Strict`,
      aWidget('b', { sise: 2 }),
    );
    assert.equal(strict.code, 400);
    assert.match(
      String(strict.body['message']),
      /strict decoding error: unknown field "spec.sise"/,
    );
  });
});

describe('definitions', () => {
  const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
  const bad: Record<string, [JsonObject, RegExp]> = {
    'a $ref': [{ x: { $ref: '#/x' } }, /\$ref is not supported/],
    'no type': [{ x: { description: 'x' } }, /must not be empty for specified object fields/],
    'look-ahead': [
      { x: { type: 'string', pattern: '^(?=a)' } },
      /must be a valid regular expression/,
    ],
    'a rule that is no CEL': [
      { x: { type: 'string', 'x-kubernetes-validations': [{ rule: 'self ==' }] } },
      /compilation failed/,
    ],
    'a rule about a field that does not exist': [
      {
        x: {
          type: 'object',
          properties: { a: { type: 'string' } },
          'x-kubernetes-validations': [{ rule: 'self.b == 1' }],
        },
      },
      /undefined field 'b'/,
    ],
    'oldSelf inside an atomic list': [
      {
        x: {
          type: 'array',
          items: { type: 'string', 'x-kubernetes-validations': [{ rule: 'self == oldSelf' }] },
        },
      },
      /oldSelf cannot be used on the uncorrelatable portion/,
    ],
    'list keys that are optional': [
      {
        x: {
          type: 'array',
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['k'],
          items: { type: 'object', properties: { k: { type: 'string' } } },
        },
      },
      /must have a default or be a required property/,
    ],
    'a default that is invalid': [
      { x: { type: 'integer', default: 'a' } },
      /must be of type integer/,
    ],
  };
  for (const [what, [properties, words]] of Object.entries(bad)) {
    it(`refuse ${what}`, async () => {
      const { code, body } = await new TestCluster().create(
        definitions,
        aDefinition({ properties }),
      );
      assert.equal(code, 422);
      assert.match(String(body['message']), words);
    });
  }

  it('are established at once', async () => {
    const cluster = await new TestCluster().withWidgets();
    const { body } = await cluster.get(`${definitions}/widgets.example.com`);
    const conditions = (body as Loose).status.conditions.map((c: Loose) => `${c.type}=${c.status}`);
    assert.deepEqual(conditions, ['NamesAccepted=True', 'Established=True']);
  });
});
