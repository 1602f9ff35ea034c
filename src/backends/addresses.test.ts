// What probes may connect to, in every spelling of an address.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { addressRules, parseAddress } from './addresses.ts';

const usual = addressRules({
  apiServerAddresses: ['10.0.0.1:443'],
  clusterNetworks: () => ['10.244.0.0/16', 'fd12:3456::/48'],
});

describe('off limits by default', () => {
  const refused: Record<string, string[]> = {
    'link-local': [
      '169.254.169.254',
      '::ffff:169.254.169.254',
      '::ffff:a9fe:a9fe',
      '::169.254.169.254',
      '64:ff9b::169.254.169.254',
      '2002:a9fe:a9fe::1',
      'fe80::1',
      'fe80::1%eth0',
      'fd00:ec2::254',
    ],
    "Azure's platform": ['168.63.129.16', '::ffff:168.63.129.16', '64:ff9b::a83f:8110'],
    "operator's own": ['127.0.0.1', '127.9.9.9', '0.0.0.0', '::1', '::', '::ffff:127.0.0.1'],
    'no address of one machine': ['224.0.0.1', '255.255.255.255', 'ff02::1'],
    'inside the cluster': ['10.244.3.7', '::ffff:10.244.3.7', 'fd12:3456::9'],
  };
  for (const [words, addresses] of Object.entries(refused)) {
    for (const address of addresses) {
      test(`${address}: ${words}`, () => {
        assert.match(usual.refusalOf(address, 443) ?? 'allowed', new RegExp(words));
      });
    }
  }

  test("the API server's port, and no other of that machine", () => {
    assert.match(usual.refusalOf('10.0.0.1', 443) ?? '', /API server/);
    assert.equal(usual.refusalOf('10.0.0.1', 2049), undefined);
  });

  for (const name of [
    'minio.storage.svc',
    'minio.storage.svc.cluster.local.',
    'KUBERNETES.default',
  ]) {
    test(`the name ${name}`, () => {
      assert.match(usual.refusalOfName(name) ?? '', /inside the cluster/);
    });
  }
});

describe('allowed', () => {
  for (const address of ['10.0.0.5', '93.184.216.34', 'fd99::1', '2001:db8::1']) {
    test(`${address}, which is anybody's`, () => {
      assert.equal(usual.refusalOf(address, 443), undefined);
    });
  }
  test('names that only look like a cluster', () => {
    for (const name of ['svc.example.com', 'cluster.local.example.com', 'mysvc'])
      assert.equal(usual.refusalOfName(name), undefined);
  });
});

describe('as configured', () => {
  const rules = addressRules({
    clusterNetworks: () => ['10.244.0.0/16'],
    refusedAddresses: ['192.168.0.0/16'],
    allowedAddresses: ['10.244.7.0/24:9000', '192.168.1.5', '169.254.0.0/16'],
  });
  test('a part of the cluster is opened, on its port', () => {
    assert.equal(rules.refusalOf('10.244.7.9', 9000), undefined);
    assert.match(rules.refusalOf('10.244.7.9', 9001) ?? '', /inside the cluster/);
    assert.equal(rules.refusalOfName('minio.storage.svc'), undefined);
  });
  test('what is refused stays refused but for the exceptions', () => {
    assert.match(rules.refusalOf('192.168.2.2', 1) ?? '', /configuration refuses it/);
    assert.equal(rules.refusalOf('192.168.1.5', 1), undefined);
  });
  test('where credentials are handed out can not be opened', () => {
    assert.match(rules.refusalOf('169.254.169.254', 80) ?? '', /link-local/);
  });
  test('networks of the cluster count from when they are known', () => {
    const networks: string[] = [];
    const growing = addressRules({ clusterNetworks: () => networks });
    assert.equal(growing.refusalOf('10.244.0.1', 80), undefined);
    networks.push('10.244.0.0/24');
    assert.match(growing.refusalOf('10.244.0.1', 80) ?? '', /inside the cluster/);
  });
});

describe('how addresses are written', () => {
  for (const text of [
    '10.0.0.1',
    '10.0.0.0/8',
    '10.0.0.1:443',
    '[fd00::/8]:443',
    'fd00::/8',
    '[::1]',
  ])
    test(`${text} is one`, () => assert.ok(parseAddress(text)));
  for (const text of ['', 'minio.svc', '10.0.0.0/33', '10.0.0', 'fd00::/129', '10.0.0.1/x'])
    test(`"${text}" is none, and is named`, () =>
      assert.throws(() => parseAddress(text), /is not an address: write 10.0.0.1/));
});
