// An NFS export on a node.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  ARRAY,
  FILESYSTEM,
  mounted,
  noJournal,
  PATH,
  POOL,
  unmounted,
} from '../../test/builders/array-facts.ts';
import { planNodeMount } from './node-mount.ts';
import { arrayNameFor, derivedUuid } from './node-mount-identity.ts';
import type { NfsFacts, NfsIntent } from './node-mount-nfs.ts';

describe('an NFS mount', () => {
  const intent: NfsIntent = {
    type: 'nfs',
    poolUid: POOL,
    mountPath: PATH,
    mountRoot: '/var/lib/poolkeeper/mounts',
    deletionPolicy: 'Retain',
    isDeleting: false,
    wasActive: false,
    server: 'fd00::5',
    exportPath: '/data',
    version: '4.1',
    mountOptions: ['nconnect=4'],
  };
  const journal = { ...noJournal, exists: true, mountPointProtected: true };
  const answer = { type: 'notAsked' } as const;
  const facts: NfsFacts = { mountPoint: unmounted, journal, missing: [], answer };

  test('is mounted hard, without the two minutes of retries, at the bracketed address', () => {
    const plan = planNodeMount({ type: 'nfs', intent, facts });
    assert.ok(plan.type === 'step' && plan.step.type === 'mount');
    assert.equal(plan.step.source, '[fd00::5]:/data');
    for (const option of ['nfsvers=4.1', 'hard', 'retry=0', 'nosuid', 'nodev', 'nconnect=4'])
      assert.ok(plan.step.options.includes(option), option);
  });

  test('gets no marker file: the export belongs to somebody else', () => {
    const mountPoint = { ...mounted, marker: { type: 'none' } } as const;
    const plan = planNodeMount({ type: 'nfs', intent, facts: { ...facts, mountPoint } });
    assert.ok(plan.type === 'step' && plan.step.type === 'recordActive');
  });
});

test('the same pool always gets the same UUIDs, another pool others', () => {
  assert.match(ARRAY, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(derivedUuid(POOL, 'array'), ARRAY);
  assert.notEqual(FILESYSTEM, ARRAY);
  assert.notEqual(derivedUuid('another', 'array'), ARRAY);
  assert.ok(`any:${arrayNameFor(POOL)}`.length <= 32);
});
