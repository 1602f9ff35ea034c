// Leases: who leads, until when.
import { asObject, getPath } from '../objects/json.ts';
import { cause, type StatusCause } from '../objects/status-error.ts';
import { ageColumn, nameColumn, pathColumn } from './columns.ts';
import { defineResource } from './define.ts';
import { microTimeCause } from './micro-time.ts';
import type { ResourceType } from './resource-type.ts';
import { leaseSchema } from './schemas/cluster.ts';

export const leases: ResourceType = defineResource({
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  schema: leaseSchema,
  namespaced: true,
  createOnUpdate: true,
  lockedUpdates: true,
  selectableFields: ['spec.holderIdentity'],
  columns: [nameColumn, pathColumn('Holder', 'spec.holderIdentity'), ageColumn],
  strategy: {
    validate(lease) {
      const spec = asObject(lease['spec']);
      const causes: StatusCause[] = [];
      for (const field of ['acquireTime', 'renewTime']) {
        causes.push(...microTimeCause(`spec.${field}`, getPath(spec, [field])));
      }
      const duration = spec['leaseDurationSeconds'];
      if (typeof duration === 'number' && duration <= 0) {
        const field = 'spec.leaseDurationSeconds';
        causes.push(cause.invalid(field, duration, 'must be greater than 0'));
      }
      const transitions = spec['leaseTransitions'];
      if (typeof transitions === 'number' && transitions < 0) {
        const words = 'must be greater than or equal to 0';
        causes.push(cause.invalid('spec.leaseTransitions', transitions, words));
      }
      return causes;
    },
  },
});
