// Golden snapshots that a pool builds for itself: the whole way from a recipe to disks, and back.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { aRecipe, GoldenWorld, snapshotsPath } from './golden-world.ts';

let world: GoldenWorld;

beforeEach(async () => {
  world = new GoldenWorld();
  await world.prepare();
});

afterEach(() => world.stop());

const statusOf = async () => (await world.pool())?.status;
const versionInUse = async () => (await statusOf())?.goldenSnapshot?.version;

describe('a golden snapshot', () => {
  test('is built from a recipe, used for the disks, and nothing temporary is left', async () => {
    await world.createPool();
    world.start();
    const pool = await world.untilReady();
    const golden = pool.status?.goldenSnapshot;
    assert.equal(golden?.phase, 'Ready');
    assert.deepEqual(
      golden?.commands?.map(({ command, exitCode }) => [command, exitCode]),
      [
        ['prepare the data disk', 0],
        ['run the script', 0],
        ['wait until ready', 0],
        ['unmount the data disk', 0],
      ],
    );
    assert.deepEqual(world.temporaries(), []);
    assert.deepEqual(world.goldenSnapshots(), [golden?.id?.split('/').at(-1)]);
    assert.equal(world.condition(pool, 'GoldenSnapshotReady')?.status, 'True');
    const snapshot = world.azure.resources().find(({ id }) => id === golden?.id);
    assert.ok(snapshot?.kind === 'snapshot' && snapshot.incremental);
    assert.ok(snapshot.content.writes.some(({ by }) => by === 'the script'));
    const volumes = await world.volumes();
    assert.equal(volumes.length, 2);
    assert.ok(volumes.every(({ spec }) => spec.source.version === golden?.version));
  });

  test('is built by user data alone, which stays out of the status', async () => {
    const line = 'echo a-very-secret-password > /mnt/userdata/password';
    await world.createSecret('recipe', { userData: `#!/bin/sh\n${line}\n` });
    const userData = { type: 'Secret', secret: { name: 'recipe' } };
    world.outputs.ready = `+ ${line}\n`;
    await world.createPool({ build: { script: undefined, userData } });
    world.start();
    const pool = await world.untilReady();
    assert.deepEqual(
      world.scripts.map(({ kind }) => kind),
      ['prepare', 'ready', 'finish'],
    );
    assert.doesNotMatch(JSON.stringify(pool.status), /secret-password/);
  });

  test('says which Secret is missing, and goes on when it is there', async () => {
    const userData = { type: 'Secret', secret: { name: 'recipe' } };
    await world.createPool({ build: { script: undefined, userData } });
    world.start();
    await world.until('it is said', async () =>
      /no Secret recipe/.test(world.condition(await world.pool(), 'Ready')?.message ?? ''),
    );
    await world.createSecret('recipe', { userData: 'hello' });
    await world.untilReady();
  });

  test('waits until a port of the builder answers', async () => {
    world.isPortOpen = false;
    await world.createPool({ build: { ready: { type: 'Tcp', tcp: { port: 22 } } } });
    world.start();
    const step = async () => (await statusOf())?.snapshotBuild?.step;
    await world.until('it waits', async () => (await step()) === 'WaitingUntilReady');
    await world.clock.advance(60_000);
    assert.equal(await step(), 'WaitingUntilReady');
    world.isPortOpen = true;
    await world.untilReady();
  });

  test('is asked for readiness again and again until its time is over', async () => {
    world.exitCodes.ready = Array(1000).fill(2);
    const ready = { type: 'RunCommand', runCommand: {}, timeout: '10m' };
    await world.createPool({ build: { ready } });
    world.start();
    await world.until(
      'it failed',
      async () => (await statusOf())?.snapshotBuild?.step === 'Waiting',
    );
    assert.ok(world.scripts.filter(({ kind }) => kind === 'ready').length > 5);
    assert.deepEqual(world.temporaries(), []);
  });

  test('whose script fails says so with the end of the output, cleans up and tries again', async () => {
    world.exitCodes.script = [3];
    world.outputs.script = 'E: Unable to locate package nonsense\n';
    await world.createPool();
    world.start();
    await world.until(
      'it failed',
      async () => (await statusOf())?.snapshotBuild?.step === 'Waiting',
    );
    const pool = await world.pool();
    const ready = world.condition(pool, 'Ready');
    assert.equal(ready?.reason, 'BuildFailed');
    assert.match(
      ready?.message ?? '',
      /exit code 3: script says hello\nE: Unable to locate package/,
    );
    assert.equal(pool?.status?.goldenSnapshot?.phase, 'Failed');
    assert.deepEqual(world.temporaries(), []);
    assert.deepEqual(world.goldenSnapshots(), []);
    const first = pool?.status?.snapshotBuild?.machine;

    await world.untilReady();
    assert.equal(world.scripts.filter(({ kind }) => kind === 'script').length, 2);
    const names = world.azure.requests().map(({ path }) => path);
    const machines = names.flatMap(
      (path) => /virtualMachines\/(pktmp[^/?]*)/.exec(path)?.[1] ?? [],
    );
    assert.equal(new Set(machines).size, 2, 'a name was used twice');
    assert.ok(machines.includes(first!));
  });

  test('whose machine can not be created leaves nothing behind', async () => {
    const code = 'OSProvisioningTimedOut';
    world.azure.faults.add({
      match: { operation: 'virtualMachines.createOrUpdate' },
      effect: { type: 'failOperation', code, leaves: ['networkInterface', 'osDisk'] },
      times: 1,
    });
    await world.createPool();
    world.start();
    // A NIC stays reserved for its machine for three minutes: the clean-up waits for that.
    await world.until('it begins anew', async () => {
      return (await statusOf())?.snapshotBuild?.attempt === 2;
    });
    const second = (await statusOf())?.snapshotBuild?.machine ?? '';
    assert.deepEqual(
      world.temporaries().filter((name) => !name.startsWith(second)),
      [],
    );
    await world.untilReady();
    assert.deepEqual(world.temporaries(), []);
  });

  test('that Azure refuses for good fails at once', async () => {
    world.azure.faults.add({
      match: { operation: 'virtualMachines.createOrUpdate' },
      effect: { type: 'error', status: 403, code: 'AuthorizationFailed' },
      times: 1,
    });
    await world.createPool();
    world.start();
    await world.until(
      'it failed',
      async () => (await statusOf())?.snapshotBuild?.step === 'Waiting',
      120,
    );
    assert.equal((await statusOf())?.snapshotBuild?.lastError?.code, 'AuthorizationFailed');
    assert.deepEqual(world.temporaries(), []);
  });
});

describe('another version', () => {
  test('is built while the old one stays in use; then the disks are replaced', async () => {
    await world.createPool();
    world.start();
    const before = (await world.untilReady()).status?.goldenSnapshot?.version;
    await world.patchPool({ goldenSnapshot: { build: { script: 'echo two' } } });
    await world.until('it builds', async () => (await statusOf())?.snapshotBuild !== undefined);
    await world.clock.advance(60_000);
    const building = await world.pool();
    assert.equal(building?.status?.goldenSnapshot?.version, before);
    assert.equal(building?.status?.goldenSnapshot?.phase, 'Building');
    assert.equal(building?.status?.free, 2);
    assert.equal(world.condition(building, 'Ready')?.status, 'True');

    await world.until('it is in use', async () => (await versionInUse()) !== before);
    const seen: number[] = [];
    await world.until('all disks are new', async () => {
      const pool = await world.pool();
      seen.push(pool?.status?.free ?? 0);
      return pool?.status?.outdated === 0 && pool.status.deleting === 0;
    });
    assert.ok(Math.min(...seen) >= 2, 'fewer free than minFree');
    const version = await versionInUse();
    const volumes = await world.volumes();
    assert.ok(volumes.every(({ spec }) => spec.source.version === version));
    assert.equal(world.condition(await world.pool(), 'RollingOut')?.status, 'False');
    assert.equal(world.goldenSnapshots().length, 2, 'keepVersions is 2');
  });

  test('follows a newer image of the Marketplace, and is built from exactly that one', async () => {
    const images = () =>
      world.azure.requests().filter(({ operation }) => operation === 'imageVersions.list').length;
    world.imageVersions['ubuntu-24_04-lts'] = ['24.04.202601010', '24.4.9'];
    await world.createPool();
    world.start();
    await world.untilReady();
    const first = await versionInUse();
    const asked = images();
    world.imageVersions['ubuntu-24_04-lts'].push('24.04.202603010');
    await world.clock.advance(5.8 * 3600_000);
    await world.until('it builds', async () => (await statusOf())?.snapshotBuild !== undefined);
    let image: unknown;
    await world.until('the builder is there', () => {
      const machine = world.azure.resources().find(({ kind }) => kind === 'virtualMachine');
      image = machine?.kind === 'virtualMachine' ? machine.imageReference : undefined;
      return machine !== undefined;
    });
    assert.match(JSON.stringify(image), /24\.04\.202603010/);
    await world.untilReady();
    assert.notEqual(await versionInUse(), first);
    assert.equal(images() - asked, 1);
  });

  test('goes once more than keepVersions are there, and an old one is used again as it is', async () => {
    await world.createPool({ build: { script: 'echo 1' } });
    world.start();
    const first = (await world.untilReady()).status?.goldenSnapshot;
    const versions = [first?.version];
    for (const script of ['echo 2', 'echo 1', 'echo 3', 'echo 4']) {
      const before = await versionInUse();
      await world.patchPool({ goldenSnapshot: { build: { script } } });
      await world.until(script, async () => (await versionInUse()) !== before);
      await world.untilReady();
      versions.push(await versionInUse());
    }
    assert.equal(versions[2], versions[0]);
    assert.equal(world.scripts.filter(({ kind }) => kind === 'script').length, 4);
    await world.until('the old ones are gone', async () => {
      return (await statusOf())?.builtSnapshots.length === 2;
    });
    assert.equal(world.goldenSnapshots().length, 2);
    const kept = (await statusOf())?.builtSnapshots.map(({ version }) => version);
    assert.deepEqual(kept, [versions[4], versions[3]]);
  });

  test('that is wanted no more half-way leaves nothing behind', async () => {
    await world.createPool({ build: { script: 'echo 1' } });
    world.start();
    await world.until(
      'it runs',
      async () => (await statusOf())?.snapshotBuild?.step === 'RunningScript',
    );
    await world.patchPool({ goldenSnapshot: { build: { script: 'echo 2' } } });
    await world.untilReady();
    assert.deepEqual(world.temporaries(), []);
    assert.equal(world.goldenSnapshots().length, 1);
    assert.equal((await statusOf())?.builtSnapshots.length, 1);
  });
});

describe('a snapshot in use', () => {
  test('that vanishes is noticed, said and built again', async () => {
    await world.createPool();
    world.start();
    const before = (await world.untilReady()).status?.goldenSnapshot;
    world.azure.cloud.resources.remove(before?.id ?? '', world.clock.now());
    await world.until('it is said', async () => {
      const condition = world.condition(await world.pool(), 'GoldenSnapshotReady');
      return condition?.reason === 'SnapshotNotFound';
    });
    const after = (await world.untilReady()).status?.goldenSnapshot;
    assert.equal(after?.version, before?.version);
    assert.equal(world.goldenSnapshots().length, 1);
  });

  test('that vanishes is noticed as soon as a disk can not be made from it', async () => {
    await world.createPool();
    world.start();
    const before = (await world.untilReady()).status?.goldenSnapshot;
    world.azure.cloud.resources.remove(before?.id ?? '', world.clock.now());
    await world.patchPool({ scaling: { minFree: 3 } });
    await world.until('it builds', async () => (await statusOf())?.snapshotBuild !== undefined, 60);
    await world.untilReady();
  });

  test('that somebody gave is looked after too', async () => {
    const id = `${snapshotsPath}/golden-v1`;
    const goldenSnapshot = { type: 'Existing', existing: { id } };
    await world.createPool({ spec: { goldenSnapshot } });
    world.start();
    await world.untilReady();
    world.azure.cloud.resources.remove(id, world.clock.now());
    await world.until('it is said', async () => {
      return world.condition(await world.pool(), 'Stalled')?.reason === 'SnapshotNotFound';
    });
  });

  test('costs one call in ten intervals and no write', async () => {
    await world.createPool();
    world.start();
    await world.untilReady();
    await world.clock.advance(60_000);
    const { resourceVersion } = (await world.pool())!.metadata;
    world.azure.log.reset();
    await world.clock.advance(3600_000);
    assert.ok((world.azure.counts()['snapshots.get'] ?? 0) <= 6);
    assert.equal((await world.pool())?.metadata.resourceVersion, resourceVersion);
    const changes = world.azure
      .requests()
      .filter(({ method }) => !['GET', 'POST'].includes(method));
    assert.deepEqual(changes, []);
  });

  test('gets its tags back', async () => {
    await world.createPool();
    world.start();
    const { id = '' } = (await world.untilReady()).status?.goldenSnapshot ?? {};
    world.azure.cloud.resources.get('snapshot', id)!.tags = {};
    await world.until('it is tagged', () => {
      const tags = world.azure.cloud.resources.get('snapshot', id)?.tags ?? {};
      return tags['poolkeeper:role'] === 'golden';
    });
    assert.equal((await statusOf())?.snapshotBuild, undefined);
  });
});

describe('deleting the pool', () => {
  for (const step of ['CreatingMachine', 'RunningScript', 'Snapshotting', 'CleaningUp'] as const) {
    test(`while it is at ${step} leaves nothing in Azure`, async () => {
      await world.createPool();
      world.start();
      await world.until(step, async () => (await statusOf())?.snapshotBuild?.step === step);
      await world.deletePool();
      await world.until('it is gone', async () => (await world.pool()) === undefined);
      assert.deepEqual(world.temporaries(), []);
      assert.deepEqual(world.goldenSnapshots(), []);
      assert.deepEqual(world.names('disk'), []);
    });
  }

  test('that is ready takes its snapshots along', async () => {
    await world.createPool();
    world.start();
    await world.untilReady();
    await world.deletePool();
    await world.until('it is gone', async () => (await world.pool()) === undefined);
    assert.deepEqual(world.goldenSnapshots(), []);
    assert.deepEqual(world.names('snapshot'), ['golden-v1']);
  });

  test('leaves alone what only looks like ours', async () => {
    await world.createPool();
    world.start();
    await world.until('a disk is made', () => world.temporaries().length > 0);
    const disk = world.azure.resources().find(({ name }) => name.endsWith('-data'));
    disk!.tags = { 'poolkeeper:installation': 'another' };
    await world.deletePool();
    await world.until('it is gone', async () => (await world.pool()) === undefined);
    assert.deepEqual(world.temporaries(), [disk?.name]);
  });
});

describe('a change of mind', () => {
  test('to a given snapshot removes everything of the build', async () => {
    await world.createPool();
    world.start();
    await world.until(
      'it runs',
      async () => (await statusOf())?.snapshotBuild?.step === 'Preparing',
    );
    const existing = { id: `${snapshotsPath}/golden-v1` };
    await world.patchPool({ goldenSnapshot: { type: 'Existing', existing, build: null } });
    await world.untilReady();
    assert.deepEqual(world.temporaries(), []);
    assert.deepEqual(world.goldenSnapshots(), []);
    const finalizers = (await world.pool())?.metadata.finalizers;
    assert.deepEqual(finalizers, ['poolkeeper.dev/children']);
  });

  test('from a given snapshot keeps that in use until the first is built', async () => {
    const goldenSnapshot = { type: 'Existing', existing: { id: `${snapshotsPath}/golden-v1` } };
    await world.createPool({ spec: { goldenSnapshot } });
    world.start();
    await world.untilReady();
    await world.patchPool({ goldenSnapshot: { type: 'Build', existing: null, build: aRecipe() } });
    await world.until('it builds', async () => (await statusOf())?.snapshotBuild !== undefined);
    assert.equal(await versionInUse(), 'golden-v1');
    await world.until('it is in use', async () => (await versionInUse()) !== 'golden-v1');
    await world.until('all disks are new', async () => (await statusOf())?.outdated === 0);
    assert.deepEqual(world.names('snapshot').length, 2, 'the given one is not ours to delete');
  });
});

describe('a controller that is killed', () => {
  // With a single call per life the end of a script could never be put on record.
  for (const callsPerLife of [1, 2, 3, 4, 7]) {
    test(`after every ${callsPerLife + 1} changing calls gets there, and leaves nothing`, async () => {
      world.callsPerLife = callsPerLife;
      await world.createPool();
      world.start();
      await world.untilReady();
      assert.ok(world.lives > 5, `${world.lives} lives`);
      assert.deepEqual(world.temporaries(), []);
      assert.equal(world.goldenSnapshots().length, 1);
      const begun = world.azure.counts()['virtualMachines.createOrUpdate'];
      assert.equal(begun, 1, 'builder machines');
      await world.deletePool();
      await world.until('it is gone', async () => (await world.pool()) === undefined);
      assert.deepEqual(world.temporaries(), []);
      assert.deepEqual(world.names('snapshot'), ['golden-v1']);
    });
  }

  test('while everything fails once gets there all the same', async () => {
    world.callsPerLife = 3;
    world.exitCodes.script = [1];
    world.exitCodes.prepare = [1];
    await world.createPool();
    world.start();
    await world.untilReady();
    assert.deepEqual(world.temporaries(), []);
    assert.equal(world.goldenSnapshots().length, 1);
  });
});

describe('leftovers of a builder', () => {
  test('that nobody remembers are collected by discovery, those in use are not', async () => {
    world.exitCodes.ready = Array(1000).fill(1);
    const ready = { type: 'RunCommand', runCommand: {}, timeout: '2h' };
    await world.createPool({ build: { ready } });
    world.start();
    const step = async () => (await statusOf())?.snapshotBuild?.step;
    await world.until('it waits', async () => (await step()) === 'WaitingUntilReady');
    const disk = world.azure.resources().find(({ name }) => name.endsWith('-data'));
    const orphan = structuredClone(disk!);
    Object.assign(orphan, { id: `${orphan.id}-lost`, name: 'pktmp-lost', diskState: 'Unattached' });
    if (orphan.kind === 'disk') delete orphan.managedBy;
    world.azure.cloud.resources.save(orphan, world.clock.now());
    await world.until('the orphan is gone', () => !world.names('disk').includes('pktmp-lost'));
    assert.equal(await step(), 'WaitingUntilReady');
    assert.equal(world.temporaries().length, 4, 'the builder with its disks and NIC');
    world.exitCodes.ready = [];
    await world.untilReady();
  });
});
