// Who uses a backend, and how that is said.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StoragePool } from '../api/storage-pool.ts';
import { describeBackendUsers, usersOfBackend } from './storage-backend-users.ts';

function aPool(name: string, branch: object, namespace = 'default'): StoragePool {
  return { metadata: { name, namespace }, spec: branch } as unknown as StoragePool;
}

const backend = { metadata: { name: 'nas', namespace: 'default' } } as Parameters<
  typeof usersOfBackend
>[0];

test('pools of the same namespace that name it use it, also while they are deleted', () => {
  const reference = { backendRef: { name: 'nas' } };
  const pools = [
    aPool('beta', { type: 'nfs', nfs: reference }),
    aPool('alpha', { type: 'cephfs', cephfs: reference }),
    aPool('gamma', { type: 'iscsi', iscsi: { backendRef: { name: 'other' } } }),
    aPool('delta', { type: 'nfs', nfs: { server: 'nas', exportPath: '/' } }),
    aPool('alien', { type: 'nfs', nfs: reference }, 'elsewhere'),
    aPool('array', { type: 'mdadm', mdadm: {} }),
  ];
  assert.deepEqual(usersOfBackend(backend, pools), ['alpha', 'beta']);
});

test('users are named, and many are counted', () => {
  assert.equal(describeBackendUsers([]), undefined);
  assert.equal(describeBackendUsers(['one']), 'StoragePool one');
  assert.equal(describeBackendUsers(['one', 'two']), 'StoragePools one and two');
  const many = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
  assert.equal(describeBackendUsers(many), 'StoragePools a, b, c, d, e and 2 more');
});
