// Which addresses a probe may connect to. Users name the URLs, the operator's network position is not
// theirs: what hands out credentials to whoever asks from inside is off limits.
import { BlockList, isIP } from 'node:net';

export interface AddressRules {
  /** Why not, in words; undefined when it may be probed. */
  refusalOf(address: string, port: number): string | undefined;
}

export interface AddressRuleSettings {
  /** Probing the operator's own machine; for the local environment and tests. */
  readonly probeLoopback?: boolean | undefined;
  /** Such as the API server's: `10.0.0.1`, or `127.0.0.1:6443` and `[fd00::1]:443`. */
  readonly refusedAddresses?: readonly string[] | undefined;
}

type Subnet = readonly [network: string, prefix: number, family: 'ipv4' | 'ipv6'];

// The last one is how IPv4 looks through a translating gateway (NAT64).
const LINK_LOCAL: readonly Subnet[] = [
  ['169.254.0.0', 16, 'ipv4'],
  ['fe80::', 10, 'ipv6'],
  ['fd00:ec2::254', 128, 'ipv6'],
  ['64:ff9b::a9fe:0', 112, 'ipv6'],
];
/** Azure's platform: DHCP, DNS, and the configuration of the machine with its secrets. */
const PLATFORM: readonly Subnet[] = [
  ['168.63.129.16', 32, 'ipv4'],
  ['64:ff9b::a83f:8110', 128, 'ipv6'],
];
const LOOPBACK: readonly Subnet[] = [
  ['127.0.0.0', 8, 'ipv4'],
  ['0.0.0.0', 8, 'ipv4'],
  ['::1', 128, 'ipv6'],
  ['::', 128, 'ipv6'],
  ['64:ff9b::7f00:0', 104, 'ipv6'],
];
const MULTICAST: readonly Subnet[] = [
  ['224.0.0.0', 4, 'ipv4'],
  ['255.255.255.255', 32, 'ipv4'],
  ['ff00::', 8, 'ipv6'],
];

export function addressRules(settings: AddressRuleSettings): AddressRules {
  const groups: [words: string, addresses: BlockList][] = [
    ['it is link-local', blockList(LINK_LOCAL)],
    ["it belongs to Azure's platform", blockList(PLATFORM)],
    ['it is no address of one machine', blockList(MULTICAST)],
  ];
  if (!settings.probeLoopback) groups.push(["it is the operator's own", blockList(LOOPBACK)]);
  const refused = (settings.refusedAddresses ?? []).map(parse);
  return {
    refusalOf(address, port) {
      const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
      const group = groups.find(([, addresses]) => addresses.check(address, family));
      if (group) return group[0];
      const isRefused = refused.some(
        (one) =>
          one.addresses.check(address, family) && (one.port === undefined || one.port === port),
      );
      return isRefused ? "it is the cluster's API server" : undefined;
    },
  };
}

function blockList(subnets: readonly Subnet[]): BlockList {
  const list = new BlockList();
  for (const [network, prefix, family] of subnets) list.addSubnet(network, prefix, family);
  return list;
}

function parse(text: string): { addresses: BlockList; port: number | undefined } {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(text) ?? [];
  const address = bracketed ?? plain ?? text;
  const addresses = new BlockList();
  const family = isIP(address);
  if (family === 0)
    throw new RangeError(`"${text}" is not an address: write 10.0.0.1 or 10.0.0.1:443`);
  addresses.addAddress(address, family === 6 ? 'ipv6' : 'ipv4');
  return { addresses, port: digits === undefined ? undefined : Number(digits) };
}
