/**
 * Addresses that only this machine, or only its link, can reach: loopback, link-local, and where clouds have their metadata. Nobody else
 * may send the agent there, because services there trust every client that is near enough to ask.
 */
import { type LookupAddress, lookup } from 'node:dns';
import { BlockList, isIP } from 'node:net';

export interface NetworkRules {
  /** Names → addresses, as `dns.lookup` with `all`. */
  readonly lookup: (
    hostname: string,
    options: object,
    done: (error: Error | null, addresses: readonly LookupAddress[]) => void,
  ) => void;
  readonly scopeOf: (address: string) => AddressScope;
}

/** Reach of an address: this machine, its link (with the metadata services of clouds), or beyond. */
export type AddressScope = 'machine' | 'link' | 'anywhere';

export const systemNetwork: NetworkRules = {
  lookup: (hostname, options, done) => lookup(hostname, { ...options, all: true }, done),
  scopeOf,
};

const OWN_IPV4 = [
  ['0.0.0.0', 8, 'machine'],
  ['127.0.0.0', 8, 'machine'],
  ['169.254.0.0', 16, 'link'],
  ['100.100.100.200', 32, 'link'], // metadata of Alibaba Cloud
  ['168.63.129.16', 32, 'link'], // of Azure
  ['192.0.0.192', 32, 'link'], // of Oracle Cloud
] as const;
const OWN_IPV6 = [
  ['::', 128, 'machine'],
  ['::1', 128, 'machine'],
  ['fe80::', 10, 'link'],
  ['fd00:ec2::', 32, 'link'], // metadata and credentials of AWS
  ['fd20:ce::254', 128, 'link'], // metadata of Google Cloud
] as const;
/** Before the 32 bits of an IPv4 address: mapped, compatible, translated (also by NAT64). */
const WITH_IPV4_AT_END = ['::ffff:0:0', '::', '::ffff:0:0:0', '64:ff9b::', '64:ff9b:1::'] as const;

/** @param address as the system writes it, with or without brackets and zone; what is no address may be anywhere */
export function scopeOf(address: string): AddressScope {
  const bare = address.replace(/^\[|\]$/g, '').split('%', 1)[0] ?? '';
  const family = isIP(bare);
  if (family === 4) return scopeIn(OWN_IPV4, bare, 'ipv4');
  if (family !== 6) return 'anywhere';
  const scope = scopeIn(OWN_IPV6, bare, 'ipv6');
  const inner = embeddedIpv4(bare);
  return scope === 'anywhere' && inner !== null ? scopeIn(OWN_IPV4, inner, 'ipv4') : scope;
}

function scopeIn(
  nets: readonly (readonly [string, number, AddressScope])[],
  address: string,
  family: 'ipv4' | 'ipv6',
): AddressScope {
  const found = nets.find(([net, bits]) => {
    const list = new BlockList();
    list.addSubnet(net, bits, family);
    return list.check(address, family);
  });
  return found?.[2] ?? 'anywhere';
}

/**
 * Whether an answer from one address may redirect to another. A public address is always allowed; from this machine or its link, more of
 * the same is. A service on loopback may pass on what others say, so it does not open the link.
 *
 * @param from null: nobody sends, the address was given to this host
 */
export function maySendOn(from: AddressScope | null, to: AddressScope): boolean {
  return from === null || to === 'anywhere' || to === from;
}

/** The IPv4 address that an IPv6 address stands for; null: none. */
function embeddedIpv4(address: string): string | null {
  const groups = groupsOf(address);
  const isPrefixed = WITH_IPV4_AT_END.some((prefix) => {
    const front = groupsOf(prefix).slice(0, 6);
    return front.every((group, index) => group === groups[index]);
  });
  const [, second = 0, third = 0] = groups;
  if (isPrefixed) return dotted(groups[6] ?? 0, groups[7] ?? 0);
  return groups[0] === 0x2002 ? dotted(second, third) : null; // 6to4
}

function groupsOf(address: string): number[] {
  // The URL parser writes every spelling the one way: eight groups at most, none dotted.
  const text = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [front = '', back] = text.split('::');
  const parse = (part: string) => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)));
  const [before, after] = [parse(front), parse(back ?? '')];
  return back === undefined ? before : [...before, ...Array(8 - before.length - after.length).fill(0), ...after];
}

function dotted(high: number, low: number): string {
  return [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.');
}
