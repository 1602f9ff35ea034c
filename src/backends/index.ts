// Probes storage endpoints over the network: opens connections, speaks each protocol as far as it
// takes, and reports what it saw. It judges nothing and keeps nothing.
export {
  type AddressRuleSettings,
  type AddressRules,
  addressRules,
  parseAddress,
} from './addresses.ts';
export { probeCeph } from './ceph-probe.ts';
export type { ClientCertificate } from './dial.ts';
export { type HttpProbeRequest, type ProbeEnvironment, probeHttp } from './http-probe.ts';
export { probeIscsi } from './iscsi-probe.ts';
export { createNetworkProber } from './network-prober.ts';
export { probeNfs } from './nfs-probe.ts';
export type { NetworkProber } from './port.ts';
export { probeS3, type S3Credentials, type S3ProbeRequest } from './s3-probe.ts';
export { Turns } from './turns.ts';
