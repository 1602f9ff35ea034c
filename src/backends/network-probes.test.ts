// NFS, iSCSI and Ceph servers as they can be met on a network, played by small servers on loopback.
// Real ones are met by the tests on a real kernel.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { after, describe, test } from 'node:test';
import type { Probed } from '../plan/probe-observation.ts';
import { judgeProbe, type ProbedSpec } from '../plan/storage-backend-verdict.ts';
import { systemClock } from '../runtime/clock.ts';
import { FakeClock } from '../runtime/fake-clock.ts';
import { seededRandom } from '../runtime/random.ts';
import { addressRules } from './addresses.ts';
import { probeCeph } from './ceph-probe.ts';
import { probeIscsi } from './iscsi-probe.ts';
import { type NfsProbeRequest, probeNfs } from './nfs-probe.ts';

const servers: Server[] = [];
const sockets = new Set<Socket>();
after(() => {
  for (const server of servers) server.close();
  for (const socket of sockets) socket.destroy();
});

/** Every connection is given to the function. Resolves to `127.0.0.1:PORT`. */
async function serve(talk: (socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    talk(socket);
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const never = new AbortController().signal;
const environment = {
  clock: systemClock,
  random: seededRandom(1),
  rules: addressRules({ probeLoopback: true }),
  hostAliases: {},
};

function told(spec: ProbedSpec, observation: Probed) {
  return judgeProbe(spec, observation, Date.UTC(2026, 0, 1));
}

describe('NFS', () => {
  const nfs = { server: 'nfs.example', exportPath: '/data', version: '4.1' as const, options: [] };

  /** An RPC reply with these words after "accepted, no verifier". */
  function reply(call: Buffer, ...words: number[]): Buffer {
    return words_(call.readUInt32BE(4), 1, 0, 0, 0, ...words);
  }

  function words_(...words: number[]): Buffer {
    const bytes = Buffer.alloc(4 + words.length * 4);
    bytes.writeUInt32BE(0x8000_0000 + words.length * 4, 0);
    for (const [index, word] of words.entries()) bytes.writeUInt32BE(word, 4 + index * 4);
    return bytes;
  }

  async function ask(
    answer: (call: Buffer, socket: Socket) => void,
    request: Partial<NfsProbeRequest> = {},
  ) {
    const address = await serve((socket) => socket.on('data', (call) => answer(call, socket)));
    const hostAliases = { 'nfs.example': address };
    const asked = { ...nfs, timeoutMilliseconds: 10_000, ...request };
    const seen = await probeNfs({ ...environment, hostAliases }, asked, never);
    return told({ type: 'nfs', nfs: { ...nfs, version: asked.version } }, seen);
  }

  test('a server of version 4 is asked on its own port, without rpcbind', async () => {
    const calls: Buffer[] = [];
    const verdict = await ask((call, socket) => {
      calls.push(call);
      socket.write(reply(call, 0));
    });
    assert.equal(verdict.phase, 'Online');
    assert.equal(calls.length, 1);
    assert.equal(calls[0]!.length, 44, 'a mark of four bytes and a call of forty');
    assert.deepEqual(
      verdict.checks.map(({ name, result }) => `${name} ${result}`),
      ['DNS Passed', 'TCP Passed', 'Protocol Passed', 'Mount Unknown', 'Capacity Unknown'],
    );
  });

  test('an answer in many small pieces is put together', async () => {
    const verdict = await ask((call, socket) => {
      const whole = reply(call, 0);
      for (const byte of whole) socket.write(Buffer.from([byte]));
    });
    assert.equal(verdict.phase, 'Online');
  });

  const refusals: Record<
    string,
    { answer: (call: Buffer, socket: Socket) => void; reason: string; words: RegExp }
  > = {
    'another version': {
      answer: (call, socket) => socket.write(reply(call, 2, 3, 3)),
      reason: 'VersionUnsupported',
      words: /it speaks version 3 of NFS, not 4; set spec.nfs.version/,
    },
    'no NFS at all': {
      answer: (call, socket) => socket.write(reply(call, 1)),
      reason: 'UnexpectedAnswer',
      words: /NFS is not offered there; its NFS service does not run/,
    },
    'a refusal to talk': {
      answer: (call, socket) => socket.write(words_(call.readUInt32BE(4), 1, 1, 1, 1)),
      reason: 'AuthenticationFailed',
      words: /refuses calls without credentials/,
    },
    'something else': {
      answer: (_call, socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'),
      reason: 'UnexpectedAnswer',
      words: /not as an NFS server does; is that an NFS server\? Check spec.nfs.server/,
    },
    'a hang-up': {
      answer: (_call, socket) => socket.end(),
      reason: 'UnexpectedAnswer',
      words: /the connection ended before the answer/,
    },
  };
  for (const [what, { answer, reason, words }] of Object.entries(refusals)) {
    test(`what is wrong is told: ${what}`, async () => {
      const verdict = await ask(answer);
      assert.equal(verdict.phase, 'Error');
      assert.equal(verdict.reason, reason);
      assert.match(verdict.statement, words);
    });
  }

  test('version 3 is asked for at rpcbind, which may not know it', async () => {
    const programs: number[] = [];
    const verdict = await ask(
      (call, socket) => {
        programs.push(call.readUInt32BE(44));
        socket.write(reply(call, 0, 0));
      },
      { version: '3' },
    );
    assert.deepEqual(programs, [100_003]);
    assert.equal(verdict.reason, 'VersionUnsupported');
    assert.match(verdict.statement, /rpcbind there knows no port of NFS 3; .*version to 4.1/);
  });

  test('version 3 needs the mount service as well', async () => {
    const verdict = await ask(
      (call, socket) => socket.write(reply(call, 0, call.readUInt32BE(44) === 100_003 ? 2049 : 0)),
      { version: '3' },
    );
    assert.match(verdict.statement, /rpcbind there knows no port of the mount service/);
  });

  test('silence is an end of its own', async () => {
    const clock = new FakeClock();
    let heard: () => void = () => {};
    const asked = new Promise<void>((resolve) => {
      heard = resolve;
    });
    const address = await serve((socket) => socket.on('data', () => heard()));
    const seen = probeNfs(
      { ...environment, clock, hostAliases: { 'nfs.example': address } },
      { ...nfs, timeoutMilliseconds: 5000 },
      never,
    );
    await asked;
    await clock.advance(5000);
    const verdict = told({ type: 'nfs', nfs: { ...nfs } }, await seen);
    assert.equal(verdict.phase, 'Offline');
    assert.match(verdict.statement, /connected, but there was no answer within 5 s/);
    assert.equal(clock.nextDelay(), undefined, 'no timer is left behind');
  });
});

describe('Ceph', () => {
  const cephfs = {
    monitors: [] as string[],
    filesystemName: 'cephfs',
    path: '/',
    user: 'admin',
    options: [],
  };
  const banner = 'ceph v2\n\u0010\0\0\0';

  async function ask(monitors: string[]) {
    const request = { ...cephfs, monitors, timeoutMilliseconds: 10_000 };
    const seen = await probeCeph(environment, request, never);
    return told({ type: 'cephfs', cephfs: { ...cephfs, monitors } }, seen);
  }

  test('one monitor of two is enough, and the other is named', async () => {
    const good = await serve((socket) => socket.write(banner, 'latin1'));
    const bad = await serve((socket) => socket.end('SSH-2.0-OpenSSH\r\n'));
    const verdict = await ask([bad, good]);
    assert.equal(verdict.phase, 'Online');
    assert.match(verdict.statement, /^1 of 2 monitors answer; .* not as a Ceph monitor$/);
  });

  test('the older protocol counts too', async () => {
    const old = await serve((socket) => socket.write('ceph v027\0\0', 'latin1'));
    assert.equal((await ask([old])).phase, 'Online');
  });

  test('what is no monitor is told', async () => {
    const bad = await serve((socket) => socket.end('SSH-2.0-OpenSSH\r\n'));
    const verdict = await ask([bad]);
    assert.equal(verdict.phase, 'Error');
    assert.match(verdict.statement, /is that a Ceph monitor\?/);
  });
});

describe('iSCSI', () => {
  const iscsi = {
    target: 'iqn.2026-01.example:data',
    lun: 1,
    authentication: 'None',
  } as const;

  /** A target that answers each login so. */
  async function ask(answer: (request: Buffer) => Buffer | string) {
    const portal = await serve((socket) =>
      socket.on('data', (request) => socket.write(answer(request))),
    );
    const request = {
      ...iscsi,
      portal,
      initiatorName: 'iqn.2026-01.example:us',
      timeoutMilliseconds: 10_000,
    };
    const seen = await probeIscsi(environment, request, never);
    return told({ type: 'iscsi', iscsi: { ...iscsi, portal } }, seen);
  }

  function loginAnswer(statusClass: number, detail: number, text = ''): Buffer {
    const data = Buffer.from(text);
    const header = Buffer.alloc(48);
    header[0] = 0x23;
    header.writeUIntBE(data.length, 5, 3);
    header[36] = statusClass;
    header[37] = detail;
    return Buffer.concat([header, data, Buffer.alloc((4 - (data.length % 4)) % 4)]);
  }

  const refusals: Record<string, { answer: Buffer | string; reason: string; words: RegExp }> = {
    'it has moved': {
      answer: loginAnswer(1, 1, 'TargetAddress=10.0.0.9:3260,1\0'),
      reason: 'UnexpectedAnswer',
      words: /the target is at 10.0.0.9:3260,1; set spec.iscsi.portal/,
    },
    'it has no room': {
      answer: loginAnswer(3, 2),
      reason: 'UnexpectedAnswer',
      words: /can't serve a login now/,
    },
    'it does not exist': {
      answer: loginAnswer(2, 3),
      reason: 'NotExported',
      words: /the portal has no target/,
    },
    'it is no iSCSI at all': {
      answer: 'HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n',
      reason: 'UnexpectedAnswer',
      words: /not as an iSCSI portal does; is that an iSCSI portal\?/,
    },
  };
  for (const [what, { answer, reason, words }] of Object.entries(refusals)) {
    test(`what is wrong is told: ${what}`, async () => {
      const verdict = await ask(() => answer);
      assert.equal(verdict.phase, 'Error');
      assert.equal(verdict.reason, reason);
      assert.match(verdict.statement, words);
    });
  }
});
