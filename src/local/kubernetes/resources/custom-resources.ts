// Turns a CustomResourceDefinition into the resource types it serves.
import { asArray, asObject, asString, type JsonObject } from '../objects/json.ts';
import type { KubeObject } from '../objects/kube-object.ts';
import type { Schema } from '../schema/schema.ts';
import { customColumns, type PrinterColumn } from './columns.ts';
import { ALL_VERBS, apiVersionOf, type ResourceType, shelfName } from './resource-type.ts';

export function resourceTypesOf(definition: KubeObject): ResourceType[] {
  const spec = asObject(definition['spec']);
  return asArray(spec['versions'])
    .map(asObject)
    .filter((version) => version['served'] === true)
    .map((version) => resourceType(spec, version));
}

function resourceType(spec: JsonObject, version: JsonObject): ResourceType {
  const names = asObject(spec['names']);
  const group = asString(spec['group']);
  const plural = asString(names['plural']);
  const name = asString(version['name']);
  const selectable = asArray(version['selectableFields']).map(asObject);
  const apiVersion = apiVersionOf({ group, version: name });
  return {
    group,
    version: name,
    kind: asString(names['kind']),
    listKind: asString(names['listKind']) || `${asString(names['kind'])}List`,
    plural,
    singular: asString(names['singular']) || asString(names['kind']).toLowerCase(),
    shortNames: asArray(names['shortNames']).map(String),
    categories: asArray(names['categories']).map(String),
    namespaced: spec['scope'] === 'Namespaced',
    verbs: ALL_VERBS,
    shelf: shelfName(group, plural),
    nameRule: 'subdomain',
    statusSubresource: asObject(version['subresources'])['status'] !== undefined,
    generations: true,
    custom: true,
    lockedUpdates: true,
    schema: asObject(version['schema'])['openAPIV3Schema'] as Schema | undefined,
    columns: customColumns(version['additionalPrinterColumns'] as PrinterColumn[] | undefined),
    selectableFields: selectable.map((field) => asString(field['jsonPath']).slice(1)),
    // Versions differ in name only (conversion strategy None).
    fromShelf: (stored) => (stored.apiVersion === apiVersion ? stored : { ...stored, apiVersion }),
  };
}
