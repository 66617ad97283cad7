/** Tells what the agent is doing to everybody who may open its socket: one connection, one JSON text. Nothing can be ordered through it. */
import { chmodSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { AgentConfig } from '../config/agent-config.ts';
import type { Logger } from '../logging/logger.ts';
import type { AgentStatus } from './status.ts';

export function statusSocketPath({ pidDir, programName }: Pick<AgentConfig, 'pidDir' | 'programName'>): string {
  return join(pidDir, `${programName}.sock`);
}

/** Serves the status until it is closed. A socket that cannot be made is no reason not to deploy: it is logged. */
export function serveStatus(path: string, status: () => AgentStatus, log: Logger): { close(): void } {
  // The instance lock is ours: what a crash has left here belongs to nobody.
  rmSync(path, { force: true });
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.end(`${JSON.stringify(status())}\n`);
  });
  server.on('error', (error) => log.warn('the status socket cannot be served', { path, error }));
  server.listen(path, () => {
    try {
      chmodSync(path, 0o600);
    } catch (error) {
      log.warn('the status socket cannot be closed to others', { path, error });
      server.close();
    }
  });
  server.unref();
  return {
    close() {
      server.close();
      rmSync(path, { force: true });
    },
  };
}
