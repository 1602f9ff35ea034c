// The resource that most cases use: a field of every kind that the API server treats in its own
// way (defaulted, bounded, immutable, keyed, unknown ones kept), a status, columns.
import type { Json } from './cluster.ts';

const CONDITIONS: Json = {
  type: 'array',
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': ['type'],
  items: {
    type: 'object',
    required: ['type', 'status'],
    properties: {
      type: { type: 'string' },
      status: { type: 'string', enum: ['True', 'False', 'Unknown'] },
      message: { type: 'string' },
    },
  },
};

const SPEC: Json = {
  type: 'object',
  default: {},
  properties: {
    size: { type: 'integer', minimum: 0, maximum: 100 },
    limit: { type: 'integer', default: 10 },
    color: { type: 'string', enum: ['red', 'blue'] },
    ratio: { type: 'number' },
    enabled: { type: 'boolean' },
    code: { type: 'string', pattern: '^[a-z]+$', minLength: 2, maxLength: 5 },
    when: { type: 'string', format: 'date-time' },
    note: { type: 'string', nullable: true },
    port: { 'x-kubernetes-int-or-string': true },
    owner: {
      type: 'string',
      maxLength: 8,
      'x-kubernetes-validations': [{ rule: 'self == oldSelf', message: 'owner is immutable' }],
    },
    nested: {
      type: 'object',
      default: { mode: 'plain' },
      properties: {
        mode: { type: 'string', default: 'plain' },
        depth: { type: 'integer', default: 3 },
      },
    },
    labels: { type: 'object', additionalProperties: { type: 'string' }, maxProperties: 3 },
    free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    tags: {
      type: 'array',
      maxItems: 4,
      'x-kubernetes-list-type': 'set',
      items: { type: 'string', maxLength: 10 },
    },
    steps: { type: 'array', minItems: 1, maxItems: 5, items: { type: 'string' } },
    parts: {
      type: 'array',
      maxItems: 10,
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      items: {
        type: 'object',
        required: ['name'],
        properties: {
          name: { type: 'string', maxLength: 20 },
          count: { type: 'integer', default: 1 },
          unit: { type: 'string' },
        },
      },
    },
    frozen: { type: 'string', maxLength: 10 },
    min: { type: 'integer' },
    max: { type: 'integer' },
  },
  'x-kubernetes-validations': [
    {
      rule: '!has(self.size) || self.size <= self.limit',
      message: 'size must not exceed limit',
      fieldPath: '.size',
    },
    {
      rule: '!has(self.min) || !has(self.max) || self.min <= self.max',
      messageExpression: "self.max < 0 ? 'max is below zero' : 'min is greater than max'",
      reason: 'FieldValueForbidden',
    },
    {
      rule: '!has(oldSelf.frozen) || (has(self.frozen) && self.frozen == oldSelf.frozen)',
      message: 'frozen stays as it was',
    },
  ],
};

/** The definition of widgets in this group. */
export function aDefinition(group: string): Json {
  const status = {
    type: 'object',
    properties: { phase: { type: 'string' }, count: { type: 'integer' }, conditions: CONDITIONS },
  };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `widgets.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: {
        plural: 'widgets',
        singular: 'widget',
        kind: 'Widget',
        listKind: 'WidgetList',
        shortNames: ['wi'],
        categories: ['contract'],
      },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          subresources: { status: {} },
          selectableFields: [{ jsonPath: '.spec.color' }],
          additionalPrinterColumns: [
            { name: 'Size', type: 'integer', jsonPath: '.spec.size' },
            { name: 'Phase', type: 'string', jsonPath: '.status.phase', description: 'The phase.' },
            {
              name: 'Ready',
              type: 'string',
              jsonPath: '.status.conditions[?(@.type=="Ready")].status',
            },
            { name: 'Color', type: 'string', jsonPath: '.spec.color', priority: 1 },
            { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
          ],
          schema: { openAPIV3Schema: { type: 'object', properties: { spec: SPEC, status } } },
        },
      ],
    },
  };
}

/** A small definition of its own, for cases that need other settings. */
export function aSimpleDefinition(group: string, plural: string, schema: Json = {}): Json {
  const kind = plural.charAt(0).toUpperCase() + plural.slice(1, -1);
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { plural, kind },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: {
            openAPIV3Schema: {
              type: 'object',
              properties: { spec: { type: 'object', properties: schema } },
            },
          },
        },
      ],
    },
  };
}
