// The real network, as an agent asks it about storage.
import type { Clock } from '../runtime/clock.ts';
import type { Random } from '../runtime/random.ts';
import { type AddressRuleSettings, addressRules } from './addresses.ts';
import { probeCeph } from './ceph-probe.ts';
import { probeIscsi } from './iscsi-probe.ts';
import { probeNfs } from './nfs-probe.ts';
import type { NetworkProber } from './port.ts';

export interface NetworkProberOptions extends AddressRuleSettings {
  readonly clock: Clock;
  readonly random: Random;
}

export function createNetworkProber(options: NetworkProberOptions): NetworkProber {
  const { clock, random } = options;
  const environment = { clock, random, rules: addressRules(options), hostAliases: {} };
  return {
    nfs: (request, signal) => probeNfs(environment, request, signal),
    iscsi: (request, signal) => probeIscsi(environment, request, signal),
    ceph: (request, signal) => probeCeph(environment, request, signal),
  };
}
