// What a kind's file says besides its types: enough to make the CRD and the reference page.
import type * as z from 'zod';
import type { AnyObject, Resource } from './object.ts';
import type { Rule } from './rules.ts';

export interface PrinterColumn {
  readonly name: string;
  readonly jsonPath: string;
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  readonly description: string;
  /** Shown only by `kubectl get -o wide`. */
  readonly wide?: boolean;
}

export interface KindDefinition {
  readonly resource: Resource<AnyObject>;
  /** Who writes the spec: a person, or Poolkeeper itself. */
  readonly writtenBy: 'user' | 'operator' | 'agent';
  readonly description: string;
  readonly spec: z.ZodType;
  readonly status: z.ZodType;
  readonly columns: readonly PrinterColumn[];
  /** Rules over the whole object, which alone may see `self.metadata.name`. */
  readonly rules?: readonly Rule[];
  /** Fields that `--field-selector` understands, such as `.spec.nodeName`. */
  readonly selectableFields?: readonly string[];
}

export const ageColumn: PrinterColumn = {
  name: 'Age',
  jsonPath: '.metadata.creationTimestamp',
  type: 'date',
  description: 'Time since the object was created.',
};

export const readyColumn: PrinterColumn = {
  name: 'Ready',
  jsonPath: '.status.conditions[?(@.type=="Ready")].status',
  type: 'string',
  description: 'Status of the Ready condition.',
};

export const messageColumn: PrinterColumn = {
  name: 'Message',
  jsonPath: '.status.conditions[?(@.type=="Ready")].message',
  type: 'string',
  description: 'Message of the Ready condition.',
  wide: true,
};

/** A column for a status or spec field. */
export function column(
  name: string,
  jsonPath: string,
  description: string,
  options: { type?: PrinterColumn['type']; wide?: boolean } = {},
): PrinterColumn {
  return {
    name,
    jsonPath,
    type: options.type ?? 'string',
    description,
    ...(options.wide ? { wide: true } : {}),
  };
}

export function countColumn(name: string, jsonPath: string, description: string): PrinterColumn {
  return column(name, jsonPath, description, { type: 'integer' });
}

/**
 * A pool's name is part of its members' names (`<pool>-<ordinal>`), of labels (63 characters) and
 * of Azure tags, so it is shorter than Kubernetes would allow.
 */
export const poolNameRule: Rule = {
  rule: 'size(self.metadata.name) <= 40',
  message: 'metadata.name must have at most 40 characters: members are named <pool>-<ordinal>',
};
