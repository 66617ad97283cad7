/** Reads addresses and networks of IP, as operators write them. */
import { isIP } from 'node:net';

export interface Network {
  readonly address: string;
  /** Leading bits that all addresses of the network share; all of them for one address. */
  readonly bits: number;
}

/** `192.0.2.7`, `10.0.0.0/8`, `2001:db8::/32`. @returns null: it is neither an address nor a network */
export function readNetwork(text: string): Network | null {
  const [address = '', prefix, ...others] = text.split('/');
  const most = bitsOf(address);
  if (most === 0 || others.length > 0) return null;
  if (prefix === undefined) return { address, bits: most };
  const bits = Number(prefix);
  return /^\d{1,3}$/.test(prefix) && bits <= most ? { address, bits } : null;
}

function bitsOf(address: string): 0 | 32 | 128 {
  const version = isIP(address);
  return version === 4 ? 32 : version === 6 && !address.includes('%') ? 128 : 0;
}
