/** `/metrics` and `/healthz` for this machine's monitoring: on a loopback port or a Unix socket, never on the network. */
import { lstatSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { SlipwayError } from '../errors.ts';
import type { Logger } from '../logging/logger.ts';
import { PROMETHEUS_TYPE } from '../system/prometheus.ts';

export interface MetricsSource {
  metrics(): string;
  /** null: all is well; else what is not. */
  trouble(): string | null;
}

/**
 * @param listen `127.0.0.1:9101`, or the absolute path of a socket
 * @throws SlipwayError CONFIG_INVALID for an address that others could reach
 */
export function serveMetrics(listen: string, source: MetricsSource, log: Logger): { close(): void } {
  const target = targetOf(listen);
  if ('path' in target) removeAbandonedSocket(target.path, log);
  const server = createServer((request, response) => {
    const answer = (status: number, type: string, text: string) =>
      void response.writeHead(status, { 'content-type': type }).end(text);
    if (request.url === '/metrics') return answer(200, PROMETHEUS_TYPE, source.metrics());
    if (request.url !== '/healthz') return answer(404, 'text/plain', 'there is /metrics and /healthz\n');
    const trouble = source.trouble();
    return answer(trouble === null ? 200 : 503, 'text/plain', `${trouble ?? 'ok'}\n`);
  });
  server.on('error', (error) => log.warn('metrics cannot be served', { listen, error }));
  server.listen(target, () => log.info('serving metrics', { listen }));
  server.unref();
  return {
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** A crash leaves the socket's name behind, and it could not be taken again. Anything else of that name is somebody's file. */
function removeAbandonedSocket(path: string, log: Logger): void {
  try {
    if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() === true) rmSync(path, { force: true });
  } catch (error) {
    log.warn('what is at metrics_listen cannot be removed', { path, error });
  }
}

function targetOf(listen: string): { path: string } | { host: string; port: number } {
  if (listen.startsWith('/')) return { path: listen };
  const [, host, port] = /^(127\.\d+\.\d+\.\d+|localhost|\[::1\]):(\d{1,5})$/.exec(listen) ?? [];
  if (host === undefined || Number(port) > 65_535) {
    throw new SlipwayError(
      'CONFIG_INVALID',
      `metrics_listen is '${listen}', which is neither a loopback address with a port, such as 127.0.0.1:9101, nor the path of a socket`,
    );
  }
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
}
