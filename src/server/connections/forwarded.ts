/**
 * Finds out who stands behind proxies that the operator trusts. A proxy adds the address that it was asked from to the end of
 * `X-Forwarded-For`. So the list is read from its end: the first address that is no trusted proxy is the client. What stands before it was
 * written by the client, and says nothing.
 */
import { BlockList, isIP } from 'node:net';
import { readNetwork } from '../../system/network.ts';
import { clientOf } from './address.ts';

/** @returns the client that a request counts for, as `clientOf` names it */
export type FindClient = (peer: string | undefined, forwardedFor: string | undefined) => string;

/** Addresses and networks, checked: `192.0.2.7`, `10.0.0.0/8`, `2001:db8::/32`. */
export type TrustedProxies = readonly string[];

/** Without trusted proxies the header is not read: everybody could write one, and choose who is locked out. */
export function findClientBehind(proxies: TrustedProxies): FindClient {
  if (proxies.length === 0) return (peer) => clientOf(peer);
  const trusted = new BlockList();
  for (const text of proxies) {
    const network = readNetwork(text);
    if (network === null) throw new Error(`'${text}' is neither an address nor a network`);
    trusted.addSubnet(network.address, network.bits, familyOf(network.address));
  }
  const isTrusted = (address: string) => isIP(address) !== 0 && trusted.check(address, familyOf(address));
  return (peer, forwardedFor) => {
    let client = plainAddress(peer ?? '');
    const before = (forwardedFor ?? '').split(',');
    while (isTrusted(client)) {
      const next = before.pop()?.trim();
      // A proxy that adds nothing, or no address, is all that is known of the client.
      const address = next === undefined ? '' : addressIn(next);
      if (address === '') break;
      client = address;
    }
    return clientOf(client);
  };
}

/** An entry of the list; some proxies write a port behind the address. @returns '' for what is no address */
function addressIn(entry: string): string {
  const bare = /^\[([^\]]+)\](?::\d+)?$/.exec(entry)?.[1] ?? /^([\d.]+):\d+$/.exec(entry)?.[1] ?? entry;
  const address = plainAddress(bare);
  return isIP(address) === 0 ? '' : address;
}

/** An IPv4 address that is written as IPv6, as a socket for both has it, becomes IPv4 again. */
function plainAddress(address: string): string {
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 4 ? 'ipv4' : 'ipv6';
}
