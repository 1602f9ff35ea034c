// Simulated machines with disks: the agent's host port without a machine behind it.
export { bootMountsOf, defaultHosts, operatingSystemDisk } from './default-hosts.ts';
export { type DiskOptions, GIBIBYTE, MEBIBYTE, SimulatedDisk } from './disk.ts';
export { type Fault, type FaultEffect, type PortCall, runOf } from './faults.ts';
export { makeFilesystem } from './filesystem-content.ts';
export { keepHosts } from './kept-hosts.ts';
export { type CephCluster, type IscsiTarget, type NfsServer, SimulatedNetwork } from './network.ts';
export { simulatedNetworkProber } from './network-prober.ts';
export { SimulatedHost, type SimulatedHostOptions } from './simulated-host.ts';
