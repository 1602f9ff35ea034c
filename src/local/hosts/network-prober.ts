// What a simulated node hears from the simulated network's storage servers when its agent probes them.
import type { NetworkProber } from '../../backends/port.ts';
import type { Clock } from '../../runtime/clock.ts';
import { sleep } from '../../runtime/clock.ts';
import type { IscsiTarget, ServerState, SimulatedNetwork } from './network.ts';

type Probed = Awaited<ReturnType<NetworkProber['nfs']>>;
type Outcome = Probed['outcome'];

const ANSWER_MILLISECONDS = 2;

export function simulatedNetworkProber(network: SimulatedNetwork, clock: Clock): NetworkProber {
  const probe = async (
    asked: { endpoint: string; state: ServerState | undefined; timeoutMilliseconds: number },
    signal: AbortSignal,
    answer: () => Partial<Probed> & { outcome: Outcome },
  ): Promise<Probed> => {
    const { endpoint, state, timeoutMilliseconds } = asked;
    const failure = failureOf(state, endpoint, timeoutMilliseconds);
    const milliseconds = state === 'hung' ? timeoutMilliseconds : ANSWER_MILLISECONDS;
    await sleep(clock, milliseconds, signal);
    const passed: Probed['passed'] = failure
      ? []
      : [
          { check: 'DNS', message: 'found', milliseconds: 1 },
          { check: 'TCP', message: 'accepted', milliseconds: 1 },
        ];
    const base = { type: 'probed', endpoint, passed, totalMilliseconds: milliseconds } as const;
    if (failure) return { ...base, outcome: failure };
    const { passed: more = [], ...rest } = answer();
    return { ...base, ...rest, passed: [...passed, ...more] };
  };
  return {
    nfs: ({ server: name, exportPath, version, timeoutMilliseconds }, signal) => {
      const server = network.nfsServers.get(name);
      const endpoint = `${name}:${exportPath}`;
      return probe({ endpoint, state: server?.state, timeoutMilliseconds }, signal, () => {
        const isSpoken = server?.versions.some(
          (one) => one.split('.')[0] === version.split('.')[0],
        );
        if (!isSpoken) return { outcome: wrongVersion(version) };
        const passed = [{ check: 'Protocol', message: 'NFS', milliseconds: 1 }] as const;
        return { passed, outcome: { type: 'succeeded', said: `${name} speaks NFS ${version}` } };
      });
    },
    ceph: ({ monitors, filesystemName, path, timeoutMilliseconds }, signal) => {
      const named = monitors.map((one) => (/:\d+$/.test(one) ? one : `${one}:3300`));
      const { cluster } = network.findCeph(`${named.join()}:/`);
      const endpoint = `${filesystemName}:${path} at ${monitors.join(', ')}`;
      return probe({ endpoint, state: cluster?.state, timeoutMilliseconds }, signal, () => ({
        passed: [{ check: 'Protocol', message: 'the banner of a Ceph monitor', milliseconds: 1 }],
        outcome: {
          type: 'succeeded',
          said: `${monitors.length} of ${monitors.length} monitors answer`,
        },
      }));
    },
    iscsi: ({ portal, target: name, lun, chap, timeoutMilliseconds }, signal) => {
      const onPortal = network.iscsiTargets.filter((target) => target.portal === portal);
      const target = onPortal.find((one) => one.name === name);
      const endpoint = `${name} unit ${lun} at ${portal}`;
      const state = (target ?? onPortal[0])?.state;
      return probe({ endpoint, state, timeoutMilliseconds }, signal, () => {
        const failure = target ? refusalOf(target, chap) : noTarget(name);
        if (failure) return { outcome: failure };
        const unit = target?.logicalUnits.find(({ number }) => number === lun);
        const message = `the target has no unit ${lun}`;
        if (!unit)
          return { outcome: { type: 'failed', check: 'Capacity', code: 'NoSuchLun', message } };
        return {
          passed: [
            { check: 'Protocol', message: 'an iSCSI portal', milliseconds: 1 },
            { check: 'Authorization', message: 'logged in', milliseconds: 1 },
            { check: 'Capacity', message: `unit ${lun} is there`, milliseconds: 1 },
          ],
          measured: { totalBytes: unit.bytes.sizeBytes },
          outcome: { type: 'succeeded', said: `${endpoint} answers` },
        };
      });
    },
  };
}

type Failure = Extract<Outcome, { type: 'failed' }>;

function failureOf(
  state: ServerState | undefined,
  endpoint: string,
  timeoutMilliseconds: number,
): Failure | undefined {
  const failed = { type: 'failed', check: 'TCP' } as const;
  switch (state) {
    case 'up':
      return undefined;
    case 'refused':
      return { ...failed, code: 'ECONNREFUSED', message: `${endpoint} refused the connection` };
    case 'unreachable':
      return { ...failed, code: 'EHOSTUNREACH', message: `there is no way to ${endpoint}` };
    case 'hung': {
      const message = `nothing accepted the connection within ${timeoutMilliseconds / 1000} s`;
      return { ...failed, code: 'Timeout', message };
    }
    case undefined:
      return { ...failed, check: 'DNS', code: 'ENOTFOUND', message: 'the name has no address' };
  }
}

function wrongVersion(version: string): Failure {
  const message = `it does not speak version ${version} of NFS`;
  return { type: 'failed', check: 'Protocol', code: 'VersionMismatch', message };
}

function noTarget(name: string): Failure {
  const message = `the portal has no target ${name}`;
  return { type: 'failed', check: 'Protocol', code: 'NoSuchTarget', message };
}

function refusalOf(
  { chap: wanted }: IscsiTarget,
  given: Parameters<NetworkProber['iscsi']>[0]['chap'],
): Failure | undefined {
  const failed = { type: 'failed', check: 'Authorization' } as const;
  if (!wanted) return undefined;
  if (!given)
    return { ...failed, code: 'ChapWanted', message: 'the target refuses a login without CHAP' };
  if (given.username !== wanted.username || given.password !== wanted.password)
    return { ...failed, code: 'ChapRefused', message: 'the target refuses the CHAP credentials' };
  const { mutual } = wanted;
  if (given.mutual && !mutual)
    return { ...failed, code: 'MutualChapNotOffered', message: 'the target does not prove itself' };
  if (given.mutual && given.mutual.password !== mutual?.password)
    return { ...failed, code: 'TargetNotTrusted', message: 'the target fails to prove itself' };
  return undefined;
}
