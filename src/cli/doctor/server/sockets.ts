/** Finds the process that has a TCP port of this machine, from /proc. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { shownCommand } from '../process.ts';

export interface TcpSocket {
  /** As the kernel writes it: `0100007F`, or 32 digits. */
  readonly address: string;
  readonly port: number;
  readonly state: string;
  readonly uid: number;
  readonly inode: number;
}

export interface PortOwner {
  /** null: only root can tell, or nobody has it open any more. */
  readonly pid: number | null;
  readonly name: string;
  readonly uid: number;
  readonly state: string;
}

/** @see include/net/tcp_states.h */
const STATES: Readonly<Record<string, string>> = {
  '01': 'ESTABLISHED',
  '02': 'SYN_SENT',
  '04': 'FIN_WAIT1',
  '05': 'FIN_WAIT2',
  '06': 'TIME_WAIT',
  '08': 'CLOSE_WAIT',
  '09': 'LAST_ACK',
  '0A': 'LISTEN',
  '0B': 'CLOSING',
};

/** The sockets with this local port, those that listen first. */
export function socketsOn(port: number): readonly TcpSocket[] {
  return ['tcp', 'tcp6']
    .flatMap((name) => parseSockets(readIfThere(`/proc/net/${name}`)))
    .filter((socket) => socket.port === port)
    .sort((a, b) => Number(b.state === 'LISTEN') - Number(a.state === 'LISTEN'));
}

/** Pure. */
export function parseSockets(text: string): TcpSocket[] {
  return text.split('\n').flatMap((line) => {
    const [, local = '', , state = '', , , , uid = '', , inode = ''] = line.trim().split(/\s+/);
    const [address = '', port = ''] = local.split(':');
    if (!/^[0-9A-F]{4}$/.test(port)) return [];
    const isInode = /^\d+$/.test(inode);
    return [
      {
        address,
        port: Number.parseInt(port, 16),
        state: STATES[state] ?? state,
        uid: Number(uid),
        inode: isInode ? Number(inode) : 0,
      },
    ];
  });
}

export function ownerOfSocket({ inode, uid, state }: TcpSocket): PortOwner {
  const pid = inode === 0 ? null : holderOf(`socket:[${inode}]`);
  return { pid, name: pid === null ? '' : shownCommand(pid), uid, state };
}

function holderOf(name: string): number | null {
  for (const pid of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    const folder = `/proc/${pid}/fd`;
    let files: string[] = [];
    try {
      files = readdirSync(folder);
    } catch {
      // Gone, or somebody else's.
    }
    if (files.some((file) => linkOf(`${folder}/${file}`) === name)) return Number(pid);
  }
  return null;
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** An address as the kernel writes it: words of four bytes, each in the machine's own order; little-endian, as all that Node runs on. Pure. */
export function kernelAddress(address: string): string | null {
  const bytes = address.includes(':') ? bytesOfIpv6(address) : address.split('.').map(Number);
  if (bytes === null || (bytes.length !== 4 && bytes.length !== 16)) return null;
  let text = '';
  for (let word = 0; word < bytes.length; word += 4) {
    for (const byte of bytes.slice(word, word + 4).reverse()) text += byte.toString(16).padStart(2, '0');
  }
  return text.toUpperCase();
}

function bytesOfIpv6(address: string): number[] | null {
  const [head = '', tail] = (address.split('%')[0] ?? '').split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16)));
  const [front, back] = [groups(head), groups(tail ?? '')];
  const gap = tail === undefined ? 0 : 8 - front.length - back.length;
  if (gap < 0) return null;
  const all = [...front, ...new Array<number>(gap).fill(0), ...back];
  if (all.length !== 8 || all.some((group) => !Number.isInteger(group))) return null;
  return all.flatMap((group) => [group >> 8, group & 0xff]);
}

/** Begins the addresses of IPv4 that a socket of IPv6 has. */
const MAPPED = '0000000000000000FFFF0000';

/**
 * Whether a socket on one address keeps another from listening on the other. It does when one of them is all of a family, or when they are
 * the same. Pure.
 */
export function isInTheWay(socketAddress: string, wanted: string | null): boolean {
  const isAll = (address: string) => /^0+$/.test(address);
  const socket = socketAddress.startsWith(MAPPED) ? socketAddress.slice(MAPPED.length) : socketAddress;
  if (wanted === null || socket === wanted) return true;
  // All of IPv6 takes connections of both families.
  if (isAll(socket)) return socket.length > 8 || wanted.length === 8;
  return isAll(wanted) && (wanted.length > 8 || socket.length === 8);
}
