/** A door of the server by itself: its connections are guarded, and a test says what becomes of a request. */
import { once } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { silentLogger } from '../../src/logging/logger.ts';
import { type Connections, createConnections } from '../../src/server/connections/connections.ts';
import type { TlsFiles } from '../../src/server/connections/guarded-server.ts';
import { type ConnectionLimits, connectionLimits } from '../../src/server/connections/limits.ts';
import { systemClock } from '../../src/system/clock.ts';

export type GuardedListener = (request: IncomingMessage, response: ServerResponse, connections: Connections) => void;

export interface GuardedServer extends AsyncDisposable {
  readonly url: string;
  readonly server: Server;
}

/** @param limits those that differ from the limits of a server that may open 1024 files */
export async function guardedServer(
  listener: GuardedListener,
  limits: Partial<ConnectionLimits> = {},
  tls: TlsFiles | null = null,
): Promise<GuardedServer> {
  const connections = createConnections({
    limits: { ...connectionLimits(1024), ...limits },
    trustedProxies: [],
    clock: systemClock,
    log: silentLogger,
    areFilesUsedUp: () => false,
  });
  const server = connections.createServer(tls, (request, response) => listener(request, response, connections));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `${tls === null ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    server,
    async [Symbol.asyncDispose]() {
      await connections.close();
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
