import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import { FakeClock } from '../runtime/fake-clock.ts';
import { createRuntime } from '../runtime/index.ts';
import { readSettings, SettingsError } from './settings.ts';
import { followTenancy, tenancySetting } from './tenancy-settings.ts';

const schema = z.object({ tenancy: tenancySetting.default({}) });
const read = (file: string, env: Record<string, string> = {}) =>
  readSettings(schema, { argv: ['--config', 'f'], env, readFile: () => file }).tenancy;

const subnet =
  '/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/hub';

test('namespaces, and one entry for all others', () => {
  const file = `tenancy:\n  "*": {}\n  team-a:\n    subnetIds: [${subnet}]\n    locations: [westeurope]`;
  const expected = { '*': {}, 'team-a': { subnetIds: [subnet], locations: ['westeurope'] } };
  assert.deepEqual(read(file), expected);
});

test('the same as text in a variable', () => {
  const text = `{"team-a": {"subnetIds": ["${subnet}"]}}`;
  assert.deepEqual(read('', { POOLKEEPER_TENANCY: text }), { 'team-a': { subnetIds: [subnet] } });
  assert.deepEqual(read(''), {});
});

const mistakes: Record<string, [file: string, says: RegExp]> = {
  'a misspelt setting': ['tenancy: {team-a: {subnets: []}}', /^tenancy\."team-a" in f: .*subnets/],
  'an id that is none': [
    'tenancy: {team-a: {subnetIds: [hub]}}',
    /^tenancy\."team-a"\.subnetIds\[0\] in f: the Azure id of a subnet/,
  ],
  'an id that climbs': [`tenancy: {a: {imageIds: ["${subnet}/../x"]}}`, /imageIds\[0\] in f/],
  'a scope that is more than a group': [
    `tenancy: {a: {scopes: ["${subnet}"]}}`,
    /a subscription or a resource group/,
  ],
  'a name that no namespace has': ['tenancy: {Team_A: {}}', /namespace/],
  'a list where a map should be': ['tenancy: []', /^tenancy in f: /],
};

for (const [name, [file, says]] of Object.entries(mistakes)) {
  test(`${name} is named with its place`, () => {
    assert.throws(
      () => read(file),
      (error) => {
        assert.ok(error instanceof SettingsError);
        assert.match(error.message, says);
        return true;
      },
    );
  });
}

test('a changed file is followed; one that can not be read changes nothing', async () => {
  const clock = new FakeClock();
  const runtime = createRuntime({ clock });
  let file = 'tenancy: {a: {locations: [westeurope]}}';
  const followed = followTenancy(runtime, {}, () => read(file));
  let changes = 0;
  followed.onChange(() => changes++);
  await clock.advance(60_000);
  assert.equal(changes, 0);
  file = 'tenancy: {a: {locations: [Nowhere!]}}';
  await clock.advance(60_000);
  assert.deepEqual(followed.current().namespaces, { a: { locations: ['westeurope'] } });
  file = 'tenancy: {a: {locations: [eastus]}}';
  await clock.advance(60_000);
  assert.deepEqual(followed.current().namespaces, { a: { locations: ['eastus'] } });
  assert.equal(changes, 1);
  followed.stop();
});
