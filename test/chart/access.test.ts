// The rights that the chart grants are the calls that the code makes: not one less, not one more.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Access, agentAccess, controllerAccess } from '../../src/api/access.ts';
import { type ApiCall, apiCalls, type Component } from './calls.ts';

const accesses: Readonly<Record<Component, Access>> = {
  agent: agentAccess,
  controller: controllerAccess,
};
const calls = apiCalls();
const nameOf = ({ verb, group, resource }: Pick<ApiCall, 'verb' | 'group' | 'resource'>): string =>
  `${verb} ${resource}${group ? `.${group}` : ''}`;

function granted(access: Access): string[] {
  const { cluster, namespaces, agentNamespace, ownNamespace, secrets } = access;
  const all = [...cluster, ...namespaces, ...agentNamespace, ...ownNamespace, ...secrets];
  return all.flatMap(({ group, resources, verbs }) =>
    resources.flatMap((resource) => verbs.map((verb) => nameOf({ verb, group, resource }))),
  );
}

for (const component of ['controller', 'agent'] as const) {
  const own = calls.filter((call) => call.component === component);
  const rights = granted(accesses[component]);

  describe(`the rights of the ${component}`, () => {
    it('cover every call in the code', () => {
      const missing = own
        .filter((call) => !rights.includes(nameOf(call)))
        .map((call) => `${call.place}: ${nameOf(call)}: add it to src/api/access.ts`);
      assert.deepEqual(missing, []);
    });

    it('are all used', () => {
      const used = new Set(own.map(nameOf));
      assert.deepEqual(
        rights.filter((right) => !used.has(right)),
        [],
      );
    });

    it('are granted once each', () => {
      assert.deepEqual(
        rights.filter((right, index) => rights.indexOf(right) !== index),
        [],
      );
    });
  });
}

describe('what nobody gets', () => {
  it('agents see no Secret, no ConfigMap and no pod', () => {
    const seen = granted(agentAccess).filter((right) => /secrets|configmaps|pods/.test(right));
    assert.deepEqual(seen, []);
  });

  it('Secrets are read by name, never listed, watched or written', () => {
    const verbs = granted(controllerAccess).filter((right) => right.includes('secrets'));
    assert.deepEqual(verbs, ['get secrets']);
  });

  it('no wildcard is used', () => {
    for (const access of Object.values(accesses)) {
      assert.equal(
        granted(access).some((right) => right.includes('*')),
        false,
      );
    }
  });
});
