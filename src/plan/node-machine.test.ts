import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { machineOfNode } from './node-machine.ts';

const group = '/subscriptions/5f0c/resourceGroups/mc_nodes/providers/Microsoft.Compute';

const refused = {
  'an empty provider id': [undefined, /spec\.providerID is empty/],
  'a node of another cloud': ['aws:///eu-west-1a/i-0123', /not that of an Azure VM/],
  'a member of a uniform scale set': [
    `azure://${group}/virtualMachineScaleSets/aks-pool1-vmss/virtualMachines/3`,
    /member of the uniform scale set aks-pool1-vmss/,
  ],
  'the id of something else': [`azure://${group}/disks/one`, /not the id of an Azure VM/],
  'an id that a URL would resolve to another': [
    `azure://${group}/virtualMachines/../disks/one`,
    /not the id of an Azure VM/,
  ],
} as const;

describe('the VM of a node', () => {
  test('is what the provider id names, in its own casing', () => {
    const machine = machineOfNode('node-1', `azure://${group}/virtualMachines/Node-1`);
    assert.deepEqual(machine, { type: 'machine', id: `${group}/virtualMachines/Node-1` });
  });

  for (const [what, [providerId, words]] of Object.entries(refused))
    test(`is not guessed from ${what}`, () => {
      const machine = machineOfNode('node-1', providerId);
      assert.equal(machine.type, 'unsupported');
      assert.match(machine.type === 'unsupported' ? machine.message : '', words);
    });
});
