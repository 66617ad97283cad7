/** An address of the server: the one for all of its doors, or a port for one of them alone. */
import { lookup } from 'node:dns/promises';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { messageOf, SlipwayError } from '../../errors.ts';
import type { Connections } from './connections.ts';
import type { RequestListener, TlsFiles } from './guarded-server.ts';
import { BACKLOG } from './limits.ts';

const CLOSE_EVERY_MS = 50;

export interface Listener {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Takes requests at an address; at `localhost` by IPv4 and by IPv6, where there are both.
 *
 * @throws SlipwayError SERVER_CANNOT_LISTEN
 */
export async function listenAt(
  door: { readonly connections: Connections; readonly tls: TlsFiles | null },
  { host, port }: { readonly host: string; readonly port: number },
  answer: RequestListener,
): Promise<Listener> {
  const listen = async (address: string, at: number): Promise<Server> => {
    const server = door.connections.createServer(door.tls, answer);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ port: at, host: address, backlog: BACKLOG }, resolve);
    });
    return server;
  };
  const [first = host, ...others] = await addressesOf(host);
  const server = await listen(first, port).catch((cause: unknown) => {
    throw new SlipwayError('SERVER_CANNOT_LISTEN', `${host}:${port} cannot be listened on: ${messageOf(cause)}`, {
      cause,
    });
  });
  const { address, port: chosen, family } = server.address() as AddressInfo;
  const beside = await Promise.allSettled(others.map((other) => listen(other, chosen)));
  const servers = [server, ...beside.flatMap((one) => (one.status === 'fulfilled' ? one.value : []))];
  return {
    url: `${door.tls === null ? 'http' : 'https'}://${family === 'IPv6' ? `[${address}]` : address}:${chosen}`,
    async close() {
      await Promise.all(servers.map(closeServer));
    },
  };
}

async function addressesOf(host: string): Promise<readonly string[]> {
  if (host !== 'localhost') return [host];
  const found = await lookup(host, { all: true }).catch(() => []);
  return [...new Set(found.map(({ address }) => address))];
}

/** A connection whose request is still to be answered becomes idle only then, and would stay open for as long as its client likes. */
function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const timer = setInterval(() => server.closeIdleConnections(), CLOSE_EVERY_MS);
    server.close(() => {
      clearInterval(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}
