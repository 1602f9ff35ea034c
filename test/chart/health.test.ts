// What GitOps tools make of our statuses: every status that a whole run produces, from the first look
// at an object to its end, and from mistakes that only a person can mend, is read by the Lua of Argo CD
// and by the rules of kstatus, and both say the same.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { instanceClaims, storageBackends, volumePools } from '../../src/api/resources.ts';
import { readExamples, readReadiness } from '../../src/cli/examples.ts';
import type { KubeClient } from '../../src/kube/index.ts';
import { eventually } from '../builders/eventually.ts';
import { notInstalled } from './helm-binaries.ts';
import { type AnyStatus, kstatusOf } from './kstatus.ts';
import { checkedKinds, type HealthCheck, loadHealthChecks } from './lua-health.ts';
import { InstalledWorld } from './world.ts';

const USER_KINDS = ['InstanceClaim', 'InstancePool', 'StorageBackend', 'StoragePool', 'VolumePool'];
const SNAPSHOT =
  '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/elsewhere/providers/Microsoft.Compute/snapshots/none';

describe('the health of objects', { skip: notInstalled }, () => {
  const history: AnyStatus[] = [];
  let world: InstalledWorld;
  let checks: ReadonlyMap<string, HealthCheck>;
  const last = (kind: string, name: string): AnyStatus | undefined =>
    history.findLast((object) => object.kind === kind && object.metadata.name === name);

  before(async () => {
    checks = await loadHealthChecks();
    world = await InstalledWorld.start();
    world.onCommit((object) => {
      if (USER_KINDS.includes(object.kind)) history.push(object as unknown as AnyStatus);
    });
  });
  after(() => world.stop());

  it('is checked for every kind that users write', () => {
    assert.deepEqual(checkedKinds.toSorted(), USER_KINDS);
  });

  it('is Healthy for every example in the end', async () => {
    const examples = await world.applyExamples();
    const pending = async (): Promise<unknown[]> =>
      (await readReadiness(world.client, examples)).filter(({ ready }) => !ready);
    await eventually('every example is ready', async () => (await pending()).length === 0, {
      withinSeconds: 120,
      because: pending,
    });
    for (const { object, resource } of examples) {
      if (!USER_KINDS.includes(resource.kind)) continue;
      const now = last(resource.kind, object.metadata.name);
      assert.ok(now, object.metadata.name);
      assert.equal((await checks.get(resource.kind)!(now)).status, 'Healthy', now.metadata.name);
      assert.equal(kstatusOf(now), 'Current', now.metadata.name);
    }
  });

  it('does not drift: applying the same again changes nothing, and nobody else owns a field', async () => {
    for (const { object, resource } of readExamples()) {
      const { namespace, name } = object.metadata;
      const before = await world.client.get(resource, { namespace, name });
      const options = { fieldManager: 'argocd-controller' };
      const after = await world.client.apply(resource, object as never, options);
      assert.equal(after.metadata.generation, before?.metadata.generation, name);
    }
  });

  it('is Degraded where somebody must change something', async () => {
    await makeMistakes(world.client);
    for (const [kind, name] of [
      ['VolumePool', 'wrong-snapshot'],
      ['StorageBackend', 'nobody-there'],
    ] as const) {
      const degraded = async (): Promise<boolean> => {
        const now = last(kind, name);
        return now !== undefined && (await checks.get(kind)!(now)).status === 'Degraded';
      };
      const because = (): unknown => last(kind, name);
      await eventually(`${kind} ${name} is Degraded`, degraded, { withinSeconds: 60, because });
      const { message } = await checks.get(kind)!(last(kind, name)!);
      assert.ok(message.length > 20, message);
    }
  });

  it('is Progressing while a claim waits for its pool, and while it is deleted', async () => {
    const claim = { namespace: 'development', name: 'too-early' };
    await world.client.create(instanceClaims, {
      metadata: claim,
      spec: { instancePoolRef: { name: 'not-made-yet' } },
    });
    const seen = (): boolean =>
      (last('InstanceClaim', claim.name)?.status?.conditions ?? []).length > 0;
    await eventually('the claim was looked at', seen);
    const deleted = { ...last('InstanceClaim', claim.name)! };
    const metadata = { ...deleted.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' };
    const { status } = await checks.get('InstanceClaim')!({ ...deleted, metadata });
    assert.equal(status, 'Progressing');
  });

  it('is Suspended where somebody paused it', async () => {
    const pool = last('VolumePool', 'boxes')!;
    const paused = { ...pool, spec: { ...pool.spec, paused: true } };
    assert.equal((await checks.get('VolumePool')!(paused)).status, 'Suspended');
  });

  it('agrees with kstatus at every moment of every object', async () => {
    assert.ok(history.length > 50, `${history.length} statuses`);
    for (const object of history) {
      const { status } = await checks.get(object.kind)!(object);
      const allowed = agreeing(object);
      const what = JSON.stringify({ status, kstatus: kstatusOf(object), object }, undefined, 1);
      assert.ok(allowed.includes(status), what);
      assert.ok(!bothSaid(object), what);
    }
  });
});

/** What Argo CD may say when kstatus says what it says. Phases of storage know more than kstatus. */
function agreeing(object: AnyStatus): string[] {
  if (object.spec?.paused || object.spec?.suspend) return ['Suspended', 'Progressing'];
  const tellsMore = ['StoragePool', 'StorageBackend', 'InstanceClaim'].includes(object.kind);
  const more = tellsMore ? ['Degraded', 'Unknown'] : [];
  switch (kstatusOf(object)) {
    case 'Current':
      // Nothing was said yet: kstatus takes silence for consent, Argo CD's check does not.
      return object.status?.conditions ? ['Healthy', ...more] : ['Progressing'];
    case 'Failed':
      return ['Degraded'];
    case 'InProgress':
      // An array may be used while it syncs for the first time: for kstatus that is still work.
      return ['Progressing', ...more, ...(isReady(object) ? ['Healthy'] : [])];
    case 'Terminating':
      return ['Progressing'];
  }
}

function isReady({ status }: AnyStatus): boolean {
  return status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True';
}

function bothSaid({ status }: AnyStatus): boolean {
  const has = (wanted: string): boolean =>
    (status?.conditions ?? []).some(
      ({ type, status: value }) => type === wanted && value === 'True',
    );
  return has('Reconciling') && has('Stalled');
}

async function makeMistakes(client: KubeClient): Promise<void> {
  await client.create(volumePools, {
    metadata: { namespace: 'development', name: 'wrong-snapshot' },
    spec: {
      scaling: { minFree: 1, maxFree: 1, maxTotal: 2 },
      volume: { sizeGiB: 32 },
      goldenSnapshot: { type: 'Existing', existing: { id: SNAPSHOT } },
    },
  } as never);
  await client.create(storageBackends, {
    metadata: { namespace: 'storage', name: 'nobody-there' },
    spec: { type: 'http', http: { baseURL: 'http://127.0.0.1:1/' } },
  } as never);
}
