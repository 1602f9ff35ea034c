// What the API server says to a StorageBackend that is wrong: the field, and what belongs into it.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { storageBackends } from '../../src/api/resources.ts';
import { World } from './agent-world.ts';

let world: World;
before(async () => {
  world = new World();
  await world.prepare();
});
after(() => world.stop());

const create = (name: string, spec: object) =>
  world.user.client.create(storageBackends, {
    metadata: { namespace: 'default', name },
    spec,
  } as never);

const http = { baseURL: 'https://files.example/' };
const s3 = { endpoint: 'https://s3.example', bucket: 'data' };
const nfs = { server: 'nfs.example', exportPath: '/data' };
const iscsi = { portal: '10.0.0.5:3260', target: 'iqn.2026-01.com.example:data', lun: 1 };
const cephfs = { monitors: ['10.0.0.1'] };
const credentialsSecretRef = { name: 'secret' };

describe('refused with the name of the field', () => {
  const cases: Record<string, { spec: object; words: RegExp }> = {
    'another protocol': {
      spec: { type: 'http', http: { baseURL: 'ftp://files.example/' } },
      words: /spec.http.baseURL must be an address such as https:\/\/files.example.com\//,
    },
    'a password in an address': {
      spec: { type: 's3', s3: { ...s3, endpoint: 'https://user:hush@s3.example' } },
      words: /spec.s3.endpoint must be .* those belong in the Secret/,
    },
    ...Object.fromEntries(
      [
        'https://files.example:99999/',
        'https://[::1/',
        'https://fd00::5/',
        'https://files.example:80:80/',
        'https://files|example/',
        'https://%zz/',
        'https://dateien.größe/',
        'https://files.example/a b',
        'https://files.example/#part',
        ' https://files.example/',
        'https:files.example',
        '',
      ].map((baseURL) => [
        `the address "${baseURL}"`,
        { spec: { type: 'http', http: { baseURL } }, words: /spec.http.baseURL/ },
      ]),
    ),
    ...Object.fromEntries(
      ['/data dir', 'data', '//data', '/data/', '/data/../etc', '/data\n'].map((path) => [
        `the export ${JSON.stringify(path)}`,
        {
          spec: { type: 'nfs', nfs: { ...nfs, exportPath: path } },
          words: /spec.nfs.exportPath/,
        },
      ]),
    ),
    ...Object.fromEntries(
      ['nfs.example:/data', 'nfs://nfs.example', '-o', 'nfs example', 'nfs.example.', ''].map(
        (server) => [
          `the server "${server}"`,
          { spec: { type: 'nfs', nfs: { ...nfs, server } }, words: /spec.nfs.server/ },
        ],
      ),
    ),
    'a portal with a port that is none': {
      spec: { type: 'iscsi', iscsi: { ...iscsi, portal: '10.0.0.5:65536' } },
      words: /spec.iscsi.portal.*port from 1 to 65535/s,
    },
    'a unit beyond all': {
      spec: { type: 'iscsi', iscsi: { ...iscsi, lun: 16_384 } },
      words: /spec.iscsi.lun/,
    },
    'a unit as text': {
      spec: { type: 'iscsi', iscsi: { ...iscsi, lun: '1' } },
      words: /spec.iscsi.lun.*must be of type integer/s,
    },
    'a monitor with a port that is none': {
      spec: { type: 'cephfs', cephfs: { monitors: ['10.0.0.1:0'] } },
      words: /spec.cephfs.monitors\[0\]/,
    },
    'the same monitor twice': {
      spec: { type: 'cephfs', cephfs: { monitors: ['10.0.0.1', '10.0.0.1'] } },
      words: /spec.cephfs.monitors\[1\]: Duplicate value/,
    },
    'no monitor': {
      spec: { type: 'cephfs', cephfs: { monitors: [] } },
      words: /spec.cephfs.monitors/,
    },
    'nothing but the type': {
      spec: { type: 'http' },
      words: /spec.http must be set when type is http/,
    },
    'two members': {
      spec: { type: 'http', http, s3 },
      words: /spec.s3 may only be set when type is s3/,
    },
    'nothing at all': { spec: {}, words: /spec.type: Required value/ },
    'a bucket of capitals': {
      spec: { type: 's3', s3: { ...s3, bucket: 'Data' } },
      words: /spec.s3.bucket must be a bucket name: 3 to 63 lower-case letters/,
    },
    'credentials of no sort': {
      spec: { type: 'http', http, credentialsSecretRef },
      words: /spec.http.authentication must say how spec.credentialsSecretRef is used/,
    },
    'a sort without credentials': {
      spec: { type: 'iscsi', iscsi: { ...iscsi, authentication: 'CHAP' } },
      words: /spec.credentialsSecretRef must be set when spec.iscsi.authentication is CHAP/,
    },
    'a client certificate in the clear': {
      spec: {
        type: 'http',
        http: { baseURL: 'http://files.example/', authentication: 'ClientCertificate' },
        credentialsSecretRef,
      },
      words: /spec.http.baseURL must begin with https:\/\//,
    },
    'credentials where there can be none': {
      spec: { type: 'nfs', nfs, credentialsSecretRef },
      words: /spec.credentialsSecretRef may only be set when type is http or s3 or iscsi or cephfs/,
    },
    'a node for what the operator probes': {
      spec: { type: 'http', http, nodeName: 'node-1' },
      words: /spec.nodeName may only be set when type is nfs or iscsi or cephfs/,
    },
    'a bundle where there is no TLS': {
      spec: {
        type: 'nfs',
        nfs,
        caBundle: { type: 'ConfigMap', configMap: { name: 'ca' } },
      },
      words: /spec.caBundle may only be set when type is http or s3/,
    },
    'the member of another type': {
      spec: { type: 'nfs', http },
      words: /spec.nfs must be set when type is nfs/,
    },
    'a portal without a port': {
      spec: { type: 'iscsi', iscsi: { ...iscsi, portal: '10.0.0.5' } },
      words: /spec.iscsi.portal.*must be an address and a port from 1 to 65535, such as/s,
    },
    'a target in capitals': {
      spec: { type: 'iscsi', iscsi: { ...iscsi, target: 'IQN.2026-01.com.example:data' } },
      words: /spec.iscsi.target.*must be the name of a target in lower case/s,
    },
    'a monitor with a blank': {
      spec: { type: 'cephfs', cephfs: { monitors: ['10.0.0.1 10.0.0.2'] } },
      words: /spec.cephfs.monitors\[0\].*must be the address of a monitor/s,
    },
    'an interval of a moment': {
      spec: { type: 'nfs', nfs, probeInterval: '1s' },
      words: /spec.probeInterval.*must be a duration between 5s and 24h/s,
    },
    'an unknown type': {
      spec: { type: 'smb' },
      words: /spec.type: Unsupported value: "smb"/,
    },
  };
  for (const [what, { spec, words }] of Object.entries(cases)) {
    test(what, () => assert.rejects(create('wrong', spec), words));
  }
});

describe('taken as they are', () => {
  const specs: Record<string, object> = {
    'an IPv6 address of a web server': {
      type: 'http',
      http: { baseURL: 'http://[fd00::5]:8080/' },
    },
    'an address without a path': { type: 'http', http: { baseURL: 'http://files.example' } },
    'a path with a query': { type: 'http', http: { baseURL: 'http://files.example/a%20b?sig=x' } },
    'a name of another script, in ASCII': {
      type: 'http',
      http: { baseURL: 'http://xn--gre-7ka2s.example/' },
    },
    'an IPv6 address of an NFS server': { type: 'nfs', nfs: { ...nfs, server: 'fd00::5' } },
    'a path in UTF-8': { type: 'nfs', nfs: { ...nfs, exportPath: '/Ablage/größe' } },
    'the root of a server': { type: 'nfs', nfs: { ...nfs, exportPath: '/' } },
    'an IPv6 portal': { type: 'iscsi', iscsi: { ...iscsi, portal: '[fd00::5]:3260' } },
    'IPv6 monitors': { type: 'cephfs', cephfs: { monitors: ['[fd00::1]:3300', '[fd00::2]'] } },
  };
  for (const [index, [what, spec]] of Object.entries(specs).entries())
    test(what, async () => {
      await create(`taken-${index}`, spec);
    });
});

describe('what says which storage it is can not be changed', () => {
  const specs: Record<string, { spec: object; change: object; words: RegExp }> = {
    nfs: {
      spec: { type: 'nfs', nfs },
      change: { nfs: { server: 'other.example' } },
      words: /spec.nfs.server cannot be changed: .*create another backend/,
    },
    http: {
      spec: { type: 'http', http },
      change: { http: { baseURL: 'https://other.example/' } },
      words: /spec.http.baseURL cannot be changed/,
    },
    s3: {
      spec: { type: 's3', s3 },
      change: { s3: { bucket: 'other' } },
      words: /spec.s3.bucket cannot be changed/,
    },
    iscsi: {
      spec: { type: 'iscsi', iscsi },
      change: { iscsi: { lun: 2 } },
      words: /spec.iscsi.lun cannot be changed/,
    },
    cephfs: {
      spec: { type: 'cephfs', cephfs },
      change: { cephfs: { filesystemName: 'other' } },
      words: /spec.cephfs.filesystemName cannot be changed/,
    },
  };
  for (const [type, { spec, change, words }] of Object.entries(specs)) {
    test(type, async () => {
      await create(`a-${type}`, spec);
      const name = { namespace: 'default', name: `a-${type}` };
      await assert.rejects(
        world.user.client.mergePatch(storageBackends, name, { spec: change }),
        words,
      );
    });
  }

  test('how often it is probed can', async () => {
    const name = { namespace: 'default', name: 'a-nfs' };
    const changed = await world.user.client.mergePatch(storageBackends, name, {
      spec: { probeInterval: '5m', suspend: true },
    });
    assert.equal(changed.spec.probeInterval, '5m');
  });
});
