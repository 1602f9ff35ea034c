// Deletes everything a selection matches, and answers with the list of it.
import type { Backend, Call } from '../backend.ts';
import { keyOf } from '../objects/kube-object.ts';
import { askPolicies } from '../policies/admission-policies.ts';
import { selectionOf } from '../reads/selection.ts';
import { apiVersionOf } from '../resources/resource-type.ts';
import { deleteOptions, deleteStored } from './delete.ts';

export function deleteCollection(backend: Backend, call: Call): object {
  const { type } = call;
  const options = deleteOptions(call);
  const selection = selectionOf(call);
  const shelf = backend.store.shelf(type.shelf);
  const matched = shelf.list(selection.namespace).filter(selection.matches);
  const items = matched.map((oldObject) => {
    const dryRun = options.dryRun === true;
    askPolicies(backend.store, call, { operation: 'DELETE', object: undefined, oldObject, dryRun });
    return deleteStored(backend, type, keyOf(oldObject), options).object;
  });
  return {
    kind: type.listKind,
    apiVersion: apiVersionOf(type),
    metadata: { resourceVersion: String(backend.store.revision) },
    items,
  };
}
