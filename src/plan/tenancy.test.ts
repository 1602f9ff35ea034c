// Who may name what in Azure, as sentences.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  anInstancePool,
  aVolumePool,
  goldenSnapshotId,
  instanceTemplate,
  location,
  resourceGroup,
  subscriptionId,
} from '../../test/builders/pools.ts';
import { resolveScope } from './pool-scope.ts';
import { isWithin, parseResourceId } from './resource-id.ts';
import { type Allowance, refuseForeignSnapshot, refusePool, type Tenancy } from './tenancy.ts';

const defaults = { subscriptionId, resourceGroup, location };
const group = `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}`;
const otherGroup = `/subscriptions/${subscriptionId}/resourceGroups/network`;
const subnet = (of: string): string =>
  `${of}/providers/Microsoft.Network/virtualNetworks/hub/subnets/boxes`;
const identity = `${group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/pusher`;
const image = (id: string) => ({ image: { type: 'Resource', resource: { id } } });

interface Case {
  readonly spec?: object;
  readonly template?: object;
  readonly golden?: object;
  readonly allow?: Record<string, Allowance>;
  readonly defaults?: Tenancy['defaults'];
  /** What the message must say; absent: it is allowed. */
  readonly says?: RegExp;
}

const cases: Record<string, Case> = {
  "without configuration the installation's own group is allowed": {},
  'and its subnets, in any case of letters': {
    template: { subnetId: subnet(group.replace('poolkeeper', 'PoolKeeper')) },
  },
  'another group is not, and the message says who can change that': {
    spec: { azure: { resourceGroup: 'elsewhere' } },
    says: /^spec\.azure\.resourceGroup "\/subscriptions\/1+-[-0-9]+\/resourceGroups\/elsewhere" is not allowed for namespace stories: only \/subscriptions\/.*\/poolkeeper and what is in it is; whoever runs .*tenancy\."stories"\.scopes$/,
  },
  'nor a group whose name only begins alike': {
    spec: { azure: { resourceGroup: `${resourceGroup}-too` } },
    says: /resourceGroup/,
  },
  'nor another region': {
    spec: { azure: { location: 'eastus' } },
    says: /spec\.azure\.location "eastus".*only westeurope is/,
  },
  'nor a subnet of another group': {
    template: { subnetId: subnet(otherGroup) },
    says: /^spec\.template\.subnetId .*subnetIds$/,
  },
  'unless it is listed': {
    template: { subnetId: subnet(otherGroup) },
    allow: {
      stories: {
        subnetIds: [subnet(otherGroup).toUpperCase()],
      },
    },
  },
  'or what it is in is': {
    template: { subnetId: subnet(otherGroup) },
    allow: { stories: { subnetIds: [otherGroup] } },
  },
  'a list says all there is: what it leaves out is refused': {
    allow: { stories: { subnetIds: [subnet(otherGroup)] } },
    says: /subnetId/,
  },
  'no identity is allowed before it is listed, not even of the own group': {
    template: { identityIds: [identity] },
    says: /^spec\.template\.identityIds\[0\] .*nothing is/,
  },
  'a listed identity is': {
    template: { identityIds: [identity] },
    allow: { '*': { identityIds: [identity] } },
  },
  'an entry of its own replaces the one for all': {
    template: { identityIds: [identity] },
    allow: { '*': { identityIds: [identity] }, stories: {} },
    says: /identityIds/,
  },
  'images of the own group are allowed': {
    template: image(`${group}/providers/Microsoft.Compute/images/base`),
  },
  'those of another are not': {
    template: image(
      `${otherGroup}/providers/Microsoft.Compute/galleries/g/images/i/versions/1.0.0`,
    ),
    says: /^spec\.template\.image\.resource\.id /,
  },
  'a gallery allows its images': {
    template: image(
      `${otherGroup}/providers/Microsoft.Compute/galleries/g/images/i/versions/1.0.0`,
    ),
    allow: { '*': { imageIds: [`${otherGroup}/providers/Microsoft.Compute/galleries/G`] } },
  },
  'a path that climbs out of what is allowed is no id': {
    template: { subnetId: `${group}/providers/x/../../../network/providers/y/subnets/boxes` },
    says: /no plain Azure resource id/,
  },
  'nor is one with escaped parts': {
    template: { subnetId: `${group}/providers/%2e%2e/subnets/boxes` },
    says: /no plain Azure resource id/,
  },
  'an installation without defaults allows nothing by itself': {
    spec: { azure: { subscriptionId, resourceGroup, location } },
    defaults: {},
    says: /nothing is/,
  },
  'a whole subscription may be allowed': {
    spec: { azure: { resourceGroup: 'elsewhere' } },
    allow: { stories: { scopes: [`/subscriptions/${subscriptionId}`] } },
  },
  'a pool without a scope of its own is measured by the default that it gets': {
    allow: { stories: { scopes: [otherGroup] } },
    says: /^spec\.azure "/,
  },
  'a golden snapshot of another group is refused': {
    golden: {
      type: 'Existing',
      existing: { id: goldenSnapshotId.replace(`/${resourceGroup}/`, '/private/') },
    },
    says: /^spec\.goldenSnapshot\.existing\.id .*snapshotIds$/,
  },
  "so is a builder's subnet": {
    golden: { type: 'Build', build: { ...build(), subnetId: subnet(otherGroup) } },
    says: /^spec\.goldenSnapshot\.build\.subnetId /,
  },
  "and a builder's image": {
    golden: {
      type: 'Build',
      build: { ...build(), ...image(`${otherGroup}/providers/Microsoft.Compute/images/base`) },
    },
    says: /^spec\.goldenSnapshot\.build\.image\.resource\.id /,
  },
};

function build() {
  return { image: instanceTemplate.image, subnetId: subnet(group), script: 'true' };
}

function refuse({ spec, template, golden, allow = {}, defaults: given = defaults }: Case) {
  const pool = golden
    ? aVolumePool({ spec: { ...spec, goldenSnapshot: golden }, status: { scope: undefined } })
    : anInstancePool({
        spec: { ...spec, template: { ...instanceTemplate, ...template } },
        status: { scope: undefined },
      });
  const resolved = resolveScope(pool.spec.azure, undefined, given);
  assert.ok('scope' in resolved);
  return refusePool(pool, resolved.scope, { defaults: given, namespaces: allow });
}

describe('what a pool may name', () => {
  for (const [name, given] of Object.entries(cases)) {
    test(name, () => {
      const refusal = refuse(given);
      if (given.says) assert.match(refusal?.message ?? 'allowed', given.says);
      else assert.equal(refusal, undefined);
    });
  }
});

describe("a snapshot that another namespace's pool built", () => {
  const pool = aVolumePool();
  const tags = {
    'poolkeeper:role': 'golden',
    'poolkeeper:installation': 'one',
    'poolkeeper:pool-namespace': 'others',
  };
  const seen = { pool, snapshot: { id: goldenSnapshotId, tags }, installation: 'one' };

  test('is not copied for being near', () => {
    const refusal = refuseForeignSnapshot(seen, { defaults, namespaces: {} });
    assert.match(refusal?.message ?? '', /was built for namespace others of installation one/);
  });

  test('is copied when it is listed', () => {
    const namespaces = { stories: { snapshotIds: [goldenSnapshotId] } };
    assert.equal(refuseForeignSnapshot(seen, { defaults, namespaces }), undefined);
  });

  test('nobody minds one of the own namespace, or one without tags of ours', () => {
    const own = { ...tags, 'poolkeeper:pool-namespace': pool.metadata.namespace };
    for (const known of [own, { owner: 'me' }]) {
      const snapshot = { id: goldenSnapshotId, tags: known };
      const refusal = refuseForeignSnapshot({ ...seen, snapshot }, { defaults, namespaces: {} });
      assert.equal(refusal, undefined);
    }
  });
});

test('within is a question of whole segments', () => {
  const id = parseResourceId(`${group}/providers/a/b`)!;
  assert.equal(isWithin(id, group), true);
  assert.equal(isWithin(id, `${group}/`), false);
  assert.equal(isWithin(id, group.slice(0, -1)), false);
  assert.equal(isWithin(parseResourceId(group)!, `${group}/providers/a`), false);
  assert.equal(parseResourceId('/providers/x'), undefined);
  assert.equal(parseResourceId(`${group}//x`), undefined);
});
