/** An address that the server listens on: the one for all doors, or a port of its own for one of them. */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { messageOf, SlipwayError } from '../../errors.ts';
import { listenFault } from '../../system/system-remedies.ts';
import type { Connections } from './connections.ts';
import type { RequestListener, TlsFiles } from './guarded-server.ts';
import { BACKLOG } from './limits.ts';

const CLOSE_EVERY_MS = 50;

export interface Listener {
  readonly url: string;
  close(): Promise<void>;
}

/** @throws SlipwayError SERVER_CANNOT_LISTEN */
export async function listenAt(
  { connections, tls }: { readonly connections: Connections; readonly tls: TlsFiles | null },
  { host, port }: { readonly host: string; readonly port: number },
  answer: RequestListener,
): Promise<Listener> {
  const server = connections.createServer(tls, answer);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) =>
      reject(
        new SlipwayError(
          'SERVER_CANNOT_LISTEN',
          `${host}:${port} cannot be listened on: ${messageOf(cause)}`,
          listenFault(cause, port),
        ),
      ),
    );
    server.listen({ port, host, backlog: BACKLOG }, resolve);
  });
  const { address, port: chosen, family } = server.address() as AddressInfo;
  return {
    url: `${tls === null ? 'http' : 'https'}://${family === 'IPv6' ? `[${address}]` : reachable(address)}:${chosen}`,
    close: () => closeServer(server),
  };
}

/** A server that listens on all addresses of the machine is reached on each of them. */
function reachable(address: string): string {
  return address === '0.0.0.0' ? '127.0.0.1' : address;
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
