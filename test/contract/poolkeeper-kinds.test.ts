// The project's own definitions and examples on an API server: what they accept, refuse and show.
// The group gets a random name, so that a cluster that already runs Poolkeeper is left alone.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { contract, names, refused, succeeded } from './case.ts';
import { type ContractCluster, DEFINITIONS, type Json } from './cluster.ts';

const ROOT = join(import.meta.dirname, '../..');
const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';

const definitions: readonly Json[] = readdirSync(join(ROOT, 'crds'))
  .filter((file) => file.endsWith('.yaml'))
  .map((file) => parse(readFileSync(join(ROOT, 'crds', file), 'utf8')));

const groupOf = (cluster: ContractCluster): string => `p${cluster.suffix}.contract.example.com`;

const pathOf = (cluster: ContractCluster, plural: string, name = ''): string =>
  `/apis/${groupOf(cluster)}/v1alpha1/namespaces/${cluster.namespace}/${plural}${name && `/${name}`}`;

/** The documents of an example, moved to the case's group and namespace. */
function example(cluster: ContractCluster, file: string): Json[] {
  const documents = parseAllDocuments(readFileSync(join(ROOT, 'examples', file), 'utf8'));
  return documents
    .map((document) => document.toJS() as Json)
    .filter((object) => object.kind !== 'Namespace')
    .map(({ metadata: { namespace: _, ...metadata }, ...rest }) => ({
      ...rest,
      apiVersion: `${groupOf(cluster)}/v1alpha1`,
      metadata,
    }));
}

/** Examples bring Secrets too, which have their own API. */
const isOurs = ({ kind }: Json): boolean =>
  definitions.some(({ spec }) => spec.names.kind === kind);

const pluralOf = (object: Json): string =>
  definitions.find(({ spec }) => spec.names.kind === object.kind).spec.names.plural;

function anExample(cluster: ContractCluster, kind: string, name: string, spec: Json = {}): Json {
  const files = ['production-pools/pools.yaml', 'claim/claim.yaml', 'mdadm-raid1/pool.yaml'];
  const found = files
    .flatMap((file) => example(cluster, file))
    .find((object) => object.kind === kind);
  return { ...found, metadata: { name }, spec: { ...found.spec, ...spec } };
}

const create = (cluster: ContractCluster, object: Json): Promise<Json> =>
  cluster.create(`${pathOf(cluster, pluralOf(object))}?fieldValidation=Strict`, object);

/** Five that people write, five that are written for them. */
const KINDS = 10;

contract('the kinds of Poolkeeper', {
  'every definition is accepted and established': async (cluster) => {
    assert.equal(definitions.length, KINDS);
    for (const definition of definitions) {
      const { names: named } = definition.spec;
      const group = groupOf(cluster);
      await cluster.define({
        ...definition,
        metadata: { name: `${named.plural}.${group}` },
        spec: { ...definition.spec, group },
      });
    }
  },
  'no definition has a complaint in its conditions': async (cluster) => {
    const { items } = succeeded(await cluster.get(DEFINITIONS));
    const ours = items.filter(({ spec }: Json) => spec.group === groupOf(cluster));
    assert.equal(ours.length, KINDS);
    for (const { status } of ours) {
      const found = status.conditions.map(({ type, status: is }: Json) => `${type}=${is}`);
      assert.deepEqual(found.sort(), ['Established=True', 'NamesAccepted=True']);
    }
  },
  'short names and the category are found': async (cluster) => {
    const body = succeeded(await cluster.get(`/apis/${groupOf(cluster)}/v1alpha1`));
    const shortNames = body.resources.flatMap((resource: Json) => resource.shortNames ?? []);
    assert.deepEqual([...new Set(shortNames)].sort(), [
      'bprobe',
      'iclaim',
      'ipool',
      'nmount',
      'pinst',
      'pvol',
      'sbackend',
      'snode',
      'spool',
      'vpool',
    ]);
    const claims = body.resources.find((resource: Json) => resource.name === 'instanceclaims');
    assert.deepEqual(claims.categories, ['poolkeeper']);
  },
  'OpenAPI explains the fields': async (cluster) => {
    const path = `/openapi/v3/apis/${groupOf(cluster)}/v1alpha1`;
    const { body } = await cluster.eventually(path, ({ code }) => code === 200);
    const kinds = Object.values<Json>(body.components.schemas).flatMap((schema) =>
      (schema['x-kubernetes-group-version-kind'] ?? [])
        .filter(({ group }: Json) => group === groupOf(cluster))
        .map(({ kind }: Json) => [kind, schema]),
    );
    const described = Object.fromEntries(kinds);
    const { properties } = described.InstancePool.properties.spec;
    assert.ok(properties.scaling.description);
    assert.ok(properties.scaling.properties.minFree.description);
  },
  'every example is accepted as it stands': async (cluster) => {
    const folders = readdirSync(join(ROOT, 'examples'), { withFileTypes: true });
    for (const folder of folders.filter((entry) => entry.isDirectory())) {
      for (const file of readdirSync(join(ROOT, 'examples', folder.name))) {
        if (!file.endsWith('.yaml')) continue;
        const ours = example(cluster, join(folder.name, file)).filter(isOurs);
        for (const object of ours) {
          const path = `${pathOf(cluster, pluralOf(object))}?fieldValidation=Strict&dryRun=All`;
          succeeded(await cluster.create(path, object), 201);
        }
      }
    }
  },
  'an applied example has one writer, and applying it again changes nothing': async (cluster) => {
    const pool = anExample(cluster, 'VolumePool', 'applied');
    const path = pathOf(cluster, 'volumepools', 'applied');
    const first = succeeded(await cluster.apply(path, 'ann', pool), 201);
    const second = succeeded(await cluster.apply(path, 'ann', pool));
    assert.equal(second.metadata.resourceVersion, first.metadata.resourceVersion);
  },
  'more free than may ever be is refused': async (cluster) => {
    const scaling = { minFree: 11, maxFree: 10, maxTotal: 100 };
    const answer = await create(cluster, anExample(cluster, 'InstancePool', 'greedy', { scaling }));
    const status = refused(answer, { code: 422, reason: 'Invalid', message: /minFree/ });
    assert.ok(
      status.details.causes.some(({ field }: Json) => field.startsWith('spec.scaling')),
      answer.text,
    );
  },
  'more free than in total is refused': async (cluster) => {
    const scaling = { minFree: 1, maxFree: 101, maxTotal: 100 };
    const answer = await create(cluster, anExample(cluster, 'VolumePool', 'greedy', { scaling }));
    refused(answer, { code: 422, reason: 'Invalid', message: /maxTotal/ });
  },
  'a branch that its type does not name is refused': async (cluster) => {
    const goldenSnapshot = { type: 'Existing' };
    const pool = anExample(cluster, 'VolumePool', 'no-branch', { goldenSnapshot });
    refused(await create(cluster, pool), {
      code: 422,
      reason: 'Invalid',
      message: /existing must be set when type is Existing/,
    });
  },
  'a type that is none is refused, with those that are': async (cluster) => {
    const pool = anExample(cluster, 'VolumePool', 'odd-type', { reclaimPolicy: 'Burn' });
    refused(await create(cluster, pool), {
      code: 422,
      reason: 'Invalid',
      message: /spec\.reclaimPolicy: Unsupported value: "Burn": supported values: /,
    });
  },
  'a RAID level that is none is refused': async (cluster) => {
    const pool = anExample(cluster, 'StoragePool', 'level');
    pool.spec = { ...pool.spec, mdadm: { ...pool.spec.mdadm, level: 7 } };
    refused(await create(cluster, pool), {
      code: 422,
      reason: 'Invalid',
      message: /spec\.mdadm\.level: Unsupported value: 7: supported values: /,
    });
  },
  'a time to live must be a duration': async (cluster) => {
    const claim = anExample(cluster, 'InstanceClaim', 'odd-ttl', { ttl: '8 hours' });
    refused(await create(cluster, claim), { code: 422, reason: 'Invalid', message: /spec\.ttl/ });
  },
  'a time to live has bounds': async (cluster) => {
    const claim = anExample(cluster, 'InstanceClaim', 'long-ttl', { ttl: '9000h' });
    refused(await create(cluster, claim), {
      code: 422,
      reason: 'Invalid',
      message: /spec\.ttl: Invalid value: .*must be a duration between 1s and 8760h/,
    });
  },
  'a claim cannot be moved to another pool': async (cluster) => {
    succeeded(await create(cluster, anExample(cluster, 'InstanceClaim', 'fixed')), 201);
    const patch = { spec: { instancePoolRef: { name: 'another' } } };
    const path = pathOf(cluster, 'instanceclaims', 'fixed');
    refused(await cluster.patch('merge', path, patch), {
      code: 422,
      reason: 'Invalid',
      fields: ['spec.instancePoolRef'],
      message: /spec\.instancePoolRef cannot be changed: delete the claim and make another/,
    });
  },
  'a name that no label could hold is refused': async (cluster) => {
    const claim = anExample(cluster, 'InstanceClaim', 'a'.repeat(64));
    refused(await create(cluster, claim), {
      code: 422,
      reason: 'Invalid',
      message: /metadata\.name must have at most 63 characters/,
    });
  },
  'a misspelt field is refused when strictness is asked for': async (cluster) => {
    const pool = anExample(cluster, 'VolumePool', 'misspelt', { reclaimPolice: 'Retain' });
    refused(await create(cluster, pool), {
      code: 400,
      reason: 'BadRequest',
      message: /unknown field "spec\.reclaimPolice"/,
    });
  },
  'a status is written and shown': async (cluster) => {
    const path = pathOf(cluster, 'instanceclaims', 'fixed');
    const condition = {
      type: 'Ready',
      status: 'False',
      reason: 'PoolExhausted',
      message: '100 of 100 instances are claimed',
      lastTransitionTime: '2026-01-31T12:00:00Z',
    };
    const status = { phase: 'Pending', conditions: [condition] };
    succeeded(await cluster.patch('merge', `${path}/status`, { status }));
    const table = succeeded(await cluster.get(path, TABLE));
    const cells = JSON.stringify(table.rows[0].cells);
    assert.match(cells, /"Pending"/);
    assert.match(cells, /100 of 100 instances are claimed/);
  },
  'a phase that is none is refused': async (cluster) => {
    const path = `${pathOf(cluster, 'instanceclaims', 'fixed')}/status`;
    refused(await cluster.patch('merge', path, { status: { phase: 'Sleeping' } }), {
      code: 422,
      reason: 'Invalid',
      message: /status\.phase: Unsupported value: "Sleeping"/,
    });
  },
  'claims are selected by pool and by phase': async (cluster) => {
    const select = async (selector: string): Promise<string[]> => {
      const query = `fieldSelector=${encodeURIComponent(selector)}`;
      return names(succeeded(await cluster.get(`${pathOf(cluster, 'instanceclaims')}?${query}`)));
    };
    assert.deepEqual(await select('spec.instancePoolRef.name=boxes'), ['fixed']);
    assert.deepEqual(await select('status.phase=Pending'), ['fixed']);
    assert.deepEqual(await select('status.phase=Bound'), []);
  },
  'storage nodes belong to no namespace': async (cluster) => {
    const answer = await cluster.create(pathOf(cluster, 'storagenodes'), {});
    assert.equal(answer.code, 404);
    const list = await cluster.get(`/apis/${groupOf(cluster)}/v1alpha1/storagenodes`);
    assert.equal(succeeded(list).kind, 'StorageNodeList');
  },
});
