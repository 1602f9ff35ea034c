import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type VolumePool, volumePoolSpec } from '../api/volume-pool.ts';
import {
  builderName,
  builderParts,
  goldenSnapshotName,
  wantedVersion,
} from './golden-snapshot-recipe.ts';

const subnet =
  '/subscriptions/s/resourceGroups/r/providers/Microsoft.Network/virtualNetworks/v/subnets/one';

function aPool(overrides: { build?: object; sizeGiB?: number; uid?: string } = {}): VolumePool {
  const spec = volumePoolSpec.parse({
    scaling: { minFree: 1, maxFree: 2, maxTotal: 3 },
    volume: { sizeGiB: overrides.sizeGiB ?? 32 },
    goldenSnapshot: {
      type: 'Build',
      build: {
        image: { type: 'Marketplace', marketplace: { publisher: 'p', offer: 'o', sku: 's' } },
        subnetId: subnet,
        script: 'echo one',
        ...overrides.build,
      },
    },
  });
  const uid = overrides.uid ?? '0f0e0d0c-0b0a-4908-8706-050403020100';
  return { metadata: { name: 'p', namespace: 'n', uid }, spec } as VolumePool;
}

const version = (pool: VolumePool, userData?: string) => wantedVersion(pool, userData);

describe('the version of a recipe', () => {
  const changes: Record<string, () => string | undefined> = {
    'another script': () => version(aPool({ build: { script: 'echo two' } })),
    'another size of the disk': () => version(aPool({ sizeGiB: 64 })),
    'another size of the machine': () => version(aPool({ build: { vmSize: 'Standard_D2ps_v5' } })),
    'another mount path': () => version(aPool({ build: { dataDiskMountPath: '/data' } })),
    'other user data': () => version(aPool(), 'hello'),
  };
  for (const [name, change] of Object.entries(changes)) {
    test(`changes with ${name}`, () => assert.notEqual(change(), version(aPool())));
  }

  const same: Record<string, object> = {
    'another subnet': { subnetId: subnet.replace('one', 'two') },
    'another way of waiting': { ready: { type: 'Tcp', tcp: { port: 22 } } },
    'more versions kept': { keepVersions: 5 },
  };
  for (const [name, build] of Object.entries(same)) {
    test(`stays with ${name}`, () => assert.equal(version(aPool({ build })), version(aPool())));
  }

  test('is the same for every pool, and the names are not', () => {
    const other = aPool({ uid: 'ffffffff-0b0a-4908-8706-050403020100' });
    assert.equal(version(other), version(aPool()));
    assert.notEqual(goldenSnapshotName(other, 'v'), goldenSnapshotName(aPool(), 'v'));
    assert.notEqual(builderName(other, 'v', 0), builderName(aPool(), 'v', 0));
  });

  test('makes names within the limits of Azure', () => {
    const machine = builderName(aPool(), version(aPool())!, Date.UTC(2099, 0, 1));
    assert.ok(machine.length <= 64);
    assert.ok(Object.values(builderParts(machine)).every((name) => name.length <= 80));
    assert.ok(goldenSnapshotName(aPool(), version(aPool())!).length <= 80);
    assert.match(machine, /^[a-z0-9-]+$/);
  });
});
