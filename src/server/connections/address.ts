/** Names the client that an address belongs to, for limits that each client has. Pure. */

/**
 * @returns an IPv4 address as it is, also in its IPv6 form; of an IPv6 address the first 64 bits, which one client has for itself
 */
export function clientOf(address: string | undefined): string {
  if (address === undefined) return '';
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!address.includes(':')) return address;
  const [before = '', after] = address.split('%', 1)[0]?.split('::', 2) ?? [];
  const head = before.split(':').filter(Boolean);
  const tail = (after ?? '').split(':').filter(Boolean);
  const zeros =
    after === undefined ? [] : Array.from({ length: Math.max(0, 8 - head.length - tail.length) }, () => '0');
  return `${[...head, ...zeros, ...tail].slice(0, 4).join(':').toLowerCase()}::/64`;
}
