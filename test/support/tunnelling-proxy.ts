import { connect, type Socket } from 'node:net';
import { httpServer, type TestServer } from './http-server.ts';

/** An HTTP proxy that tunnels every name to one real server of this machine, and keeps what it was asked for. */
export interface TunnellingProxy extends TestServer {
  readonly asked: readonly { readonly target: string; readonly authorization: string | undefined }[];
}

const REFUSAL =
  'HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic realm="proxy"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n';

/** @param wanted the Proxy-Authorization without which nobody gets through; null: anybody does */
export async function tunnellingProxy(port: number, wanted: string | null = null): Promise<TunnellingProxy> {
  const asked: { target: string; authorization: string | undefined }[] = [];
  const proxy = await httpServer((_, response) => response.writeHead(400).end());
  const sockets = new Set<Socket>();
  proxy.server.on('connect', (request, client: Socket) => {
    const authorization = request.headers['proxy-authorization'];
    asked.push({ target: request.url ?? '', authorization });
    if (wanted !== null && authorization !== wanted) {
      client.on('error', () => undefined).end(REFUSAL);
      return;
    }
    const upstream = connect(port, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      upstream.pipe(client).pipe(upstream);
    });
    for (const socket of [client, upstream]) sockets.add(socket.on('error', () => undefined));
  });
  return {
    ...proxy,
    asked,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await proxy[Symbol.asyncDispose]();
    },
  };
}
