// What a node's agent asks of the network about a storage endpoint. The real one opens connections; the
// simulated hosts answer from what they know of their simulated network.
import type { Probed } from '../plan/probe-observation.ts';
import type { CephProbeRequest } from './ceph-probe.ts';
import type { IscsiProbeRequest } from './iscsi-probe.ts';
import type { NfsProbeRequest } from './nfs-probe.ts';

/**
 * However a probe ends, that is an observation, within the request's own time. They reject only when
 * the signal was aborted.
 */
export interface NetworkProber {
  nfs(request: NfsProbeRequest, signal: AbortSignal): Promise<Probed>;
  iscsi(request: IscsiProbeRequest, signal: AbortSignal): Promise<Probed>;
  ceph(request: CephProbeRequest, signal: AbortSignal): Promise<Probed>;
}
