// Asks an NFS server whether it speaks the wanted version. Version 4 is asked for on its own port, so
// that servers without rpcbind count; version 3 needs rpcbind and the mount service, and both are asked.
import type { Probed } from '../plan/probe-observation.ts';
import type { ProbeEnvironment } from './http-probe.ts';
import type { Attempt } from './network-probe.ts';
import { runNetworkProbe } from './network-probe.ts';
import { call, PROGRAM } from './nfs-rpc.ts';
import { ProbeError } from './trace.ts';

export interface NfsProbeRequest {
  readonly server: string;
  readonly exportPath: string;
  readonly version: '3' | '4.0' | '4.1' | '4.2';
  readonly timeoutMilliseconds: number;
}

const NFS_PORT = 2049;
const PORTMAPPER_PORT = 111;
const TCP = 6;
const GET_PORT = 3;

export function probeNfs(
  environment: ProbeEnvironment,
  request: NfsProbeRequest,
  signal: AbortSignal,
): Promise<Probed> {
  const { server, exportPath, version, timeoutMilliseconds } = request;
  const named = server.includes(':') ? `[${server}]` : server;
  const endpoint = `${named}:${exportPath}`;
  return runNetworkProbe(
    environment,
    { endpoint, timeoutMilliseconds, signal },
    async (attempt) => {
      if (version === '3') await askVersion3(attempt, server);
      else await askVersion4(attempt, server);
      return { type: 'succeeded', said: `${named} speaks NFS ${version === '3' ? '3' : '4'}` };
    },
  );
}

async function askVersion4(attempt: Attempt, host: string): Promise<void> {
  const stream = await attempt.open({ host, port: NFS_PORT });
  const nothing = { program: PROGRAM.nfs, version: 4, procedure: 0 };
  await attempt.trace.run(
    'Protocol',
    () => call(stream, nothing),
    () => 'NFS 4',
  );
}

async function askVersion3(attempt: Attempt, host: string): Promise<void> {
  const portmapper = await attempt.open({ host, port: PORTMAPPER_PORT });
  const port = await attempt.trace.run(
    'Protocol',
    async () => {
      const found = await portOf(portmapper, PROGRAM.nfs);
      if (found === 0) throw unregistered('NFS 3');
      if ((await portOf(portmapper, PROGRAM.mount)) === 0) throw unregistered('the mount service');
      return found;
    },
    () => 'rpcbind knows NFS 3',
  );
  attempt.trace.passed.length = 0;
  const stream = await attempt.open({ host, port });
  await attempt.trace.run(
    'Protocol',
    () => call(stream, { program: PROGRAM.nfs, version: 3, procedure: 0 }),
    () => 'NFS 3',
  );
}

async function portOf(stream: Parameters<typeof call>[0], program: number): Promise<number> {
  const answer = await call(stream, {
    program: PROGRAM.portmapper,
    version: 2,
    procedure: GET_PORT,
    arguments: [program, 3, TCP, 0],
  });
  const port = answer.length >= 4 ? answer.readUInt32BE(0) : 0;
  return port <= 65_535 ? port : 0;
}

function unregistered(what: string): ProbeError {
  return new ProbeError('Protocol', 'NotRegistered', `rpcbind there knows no port of ${what}`);
}
