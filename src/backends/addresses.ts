// Which addresses a probe may connect to. Users name the endpoints, the operator's network position is
// not theirs: what hands out credentials to whoever asks from inside, and what lies inside the
// cluster, is off limits unless whoever runs the operator allows it.
import { BlockList, isIP } from 'node:net';

export interface AddressRules {
  /** Why a name may not even be looked up, in words; undefined when it may. */
  refusalOfName(host: string): string | undefined;
  /** Why not, in words; undefined when it may be probed. */
  refusalOf(address: string, port: number): string | undefined;
}

export interface AddressRuleSettings {
  /** Probing the operator's own machine; for the local environment and tests. */
  readonly probeLoopback?: boolean | undefined;
  /** The API server's own: `10.0.0.1`, or `127.0.0.1:6443` and `[fd00::1]:443`. */
  readonly apiServerAddresses?: readonly string[] | undefined;
  /** Of pods and Services: `10.0.0.0/16`, asked for at every probe because clusters grow. */
  readonly clusterNetworks?: (() => readonly string[]) | undefined;
  /** More that may not be probed: addresses and networks, each with or without a port. */
  readonly refusedAddresses?: readonly string[] | undefined;
  /** What may be probed although it lies in the cluster or is refused above; nothing else. */
  readonly allowedAddresses?: readonly string[] | undefined;
}

const LINK_LOCAL = ['169.254.0.0/16', 'fe80::/10', 'fd00:ec2::254'];
/** Azure's platform: DHCP, DNS, and the configuration of the machine with its secrets. */
const PLATFORM = ['168.63.129.16'];
const LOOPBACK = ['127.0.0.0/8', '0.0.0.0/8', '::1', '::'];
const MULTICAST = ['224.0.0.0/4', '255.255.255.255', 'ff00::/8'];
const CLUSTER_WORDS = 'it lies inside the cluster';
/** Every cluster's Services are below these; with them alone a name can't be told from storage's. */
const CLUSTER_NAMES = /(^|\.)(svc|cluster\.local|kubernetes\.default)$/;

export function addressRules(settings: AddressRuleSettings): AddressRules {
  const always: Group[] = [
    ['it is link-local', LINK_LOCAL.map(parseAddress)],
    ["it belongs to Azure's platform", PLATFORM.map(parseAddress)],
    ['it is no address of one machine', MULTICAST.map(parseAddress)],
    ["it is the cluster's API server", (settings.apiServerAddresses ?? []).map(parseAddress)],
  ];
  if (!settings.probeLoopback)
    always.push(["it is the operator's own", LOOPBACK.map(parseAddress)]);
  const refused = (settings.refusedAddresses ?? []).map(parseAddress);
  const allowed = (settings.allowedAddresses ?? []).map(parseAddress);
  const cluster = rememberLast(settings.clusterNetworks ?? (() => []));
  return {
    refusalOfName(host) {
      // Where parts of the cluster are allowed, the addresses decide.
      const name = host.toLowerCase().replace(/\.$/, '');
      return CLUSTER_NAMES.test(name) && allowed.length === 0 ? CLUSTER_WORDS : undefined;
    },
    refusalOf(address, port) {
      const forms = formsOf(address);
      const isIn = (ranges: readonly AddressRange[]): boolean =>
        ranges.some((range) => forms.some((form) => isWithin(form, port, range)));
      const group = always.find(([, ranges]) => isIn(ranges));
      if (group) return group[0];
      if (isIn(allowed)) return undefined;
      if (isIn(refused)) return "the operator's configuration refuses it";
      return isIn(cluster()) ? CLUSTER_WORDS : undefined;
    },
  };
}

type Group = readonly [words: string, ranges: readonly AddressRange[]];

export interface AddressRange {
  readonly addresses: BlockList;
  readonly port: number | undefined;
}

/** `10.0.0.1`, `10.0.0.0/8`, `fd00::/8`, and with a port `10.0.0.1:443`, `[fd00::/8]:443`. */
export function parseAddress(text: string): AddressRange {
  const [, bracketed, bracketedPort, v4, v4Port] =
    /^(?:\[([^\]]+)\](?::(\d+))?|([\d./]+)(?::(\d+))?)$/.exec(text) ?? [];
  const [address = '', length] = (bracketed ?? v4 ?? text).split('/');
  const family = isIP(address);
  const bits = family === 6 ? 128 : 32;
  const prefix = length === undefined ? bits : Number(length);
  if (family === 0 || !Number.isInteger(prefix) || prefix < 0 || prefix > bits)
    throw new RangeError(`"${text}" is not an address: write 10.0.0.1, 10.0.0.0/8 or 10.0.0.1:443`);
  const addresses = new BlockList();
  addresses.addSubnet(address, prefix, family === 6 ? 'ipv6' : 'ipv4');
  const digits = bracketedPort ?? v4Port;
  return { addresses, port: digits === undefined ? undefined : Number(digits) };
}

function isWithin(address: string, port: number, range: AddressRange): boolean {
  if (range.port !== undefined && range.port !== port) return false;
  return range.addresses.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

/** Parsing is repeated only when the networks changed. */
function rememberLast(read: () => readonly string[]): () => readonly AddressRange[] {
  let last: readonly string[] = [];
  let parsed: readonly AddressRange[] = [];
  return () => {
    const now = read();
    if (now.length === last.length && now.every((one, index) => one === last[index])) return parsed;
    last = [...now];
    parsed = now.map(parseAddress);
    return parsed;
  };
}

/** The address itself and, where an IPv6 address only wraps an IPv4 one, that one. */
function formsOf(text: string): readonly string[] {
  const [address = ''] = text.split('%');
  if (isIP(address) !== 6) return [address];
  const groups = groupsOf(address);
  const at = (index: number): string =>
    [groups[index]! >> 8, groups[index]! & 255, groups[index + 1]! >> 8, groups[index + 1]! & 255]
      .map(String)
      .join('.');
  const isZero = (from: number, to: number): boolean =>
    groups.slice(from, to).every((group) => group === 0);
  // ::a.b.c.d, ::ffff:a.b.c.d, a translating gateway's (NAT64), and 6to4.
  const isMapped = isZero(0, 5) && (groups[5] === 0xffff || groups[5] === 0);
  const isTranslated = groups[0] === 0x64 && groups[1] === 0xff9b;
  if (isMapped || isTranslated) return [address, at(6)];
  return groups[0] === 0x2002 ? [address, at(1)] : [address];
}

function groupsOf(address: string): number[] {
  const plain = address.replace(/[\d.]+$/, (v4) => {
    const [a, b, c, d] = v4.split('.').map(Number);
    if (d === undefined) return v4;
    return `${((a! << 8) | b!).toString(16)}:${((c! << 8) | d).toString(16)}`;
  });
  const [head = '', tail] = plain.split('::');
  const parse = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
  const before = parse(head);
  const after = tail === undefined ? [] : parse(tail);
  return [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
}
