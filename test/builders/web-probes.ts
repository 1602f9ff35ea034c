// Web servers on loopback, probes of them, and what their users are told. For the tests of probes.
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo, Server, Socket } from 'node:net';
import { after } from 'node:test';
import { type AddressRuleSettings, addressRules } from '../../src/backends/addresses.ts';
import { type HttpProbeRequest, probeHttp } from '../../src/backends/http-probe.ts';
import type { Probed } from '../../src/plan/probe-observation.ts';
import { judgeProbe } from '../../src/plan/storage-backend-verdict.ts';
import { type Clock, systemClock } from '../../src/runtime/clock.ts';

const servers: Server[] = [];
const sockets = new Set<Socket>();
after(() => {
  for (const server of servers) server.close();
  for (const socket of sockets) socket.destroy();
});

/** Resolves to `127.0.0.1:PORT`. */
export async function listen(server: Server): Promise<string> {
  servers.push(server);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export function serve(listener: RequestListener): Promise<string> {
  return listen(createServer(listener));
}

const never = new AbortController().signal;
export const spec = { baseURL: 'http://files.example/', method: 'HEAD' } as const;

export interface ProbeSettings extends AddressRuleSettings {
  readonly clock?: Clock;
  readonly hostAliases?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export function probe(
  request: Partial<HttpProbeRequest>,
  options: ProbeSettings = {},
): Promise<Probed> {
  const { clock = systemClock, hostAliases = {}, signal = never, ...settings } = options;
  const asked = { ...spec, timeoutMilliseconds: 10_000, ...request };
  return probeHttp({ clock, hostAliases, rules: addressRules(settings) }, asked, signal);
}

/** What the user is told of it. */
export function told(observation: Probed, expected?: number[], http: object = {}) {
  const asked = { ...spec, authentication: 'None', ...http } as const;
  const wanted = { ...asked, ...(expected ? { expectedStatusCodes: expected } : {}) };
  return judgeProbe({ type: 'http', http: wanted }, observation, Date.UTC(2026, 0, 1));
}
