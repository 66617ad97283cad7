/** Clients that ask without a pause over connections that stay open, and count what went wrong. */
import { Agent, request } from 'node:http';

export interface Load {
  readonly requests: number;
  readonly failed: number;
  /** Faults, each kind once. */
  readonly faults: ReadonlySet<string>;
  /** Ends the clients; the counts are final then. */
  stop(): Promise<void>;
}

export function startLoad(socketPath: string, clients: number): Load {
  const state = { requests: 0, failed: 0, faults: new Set<string>() };
  let isOver = false;
  const client = async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    while (!isOver) {
      state.requests += 1;
      const fault = await ask(socketPath, agent);
      if (fault === null) continue;
      state.failed += 1;
      state.faults.add(fault);
    }
    agent.destroy();
  };
  const running = Promise.all(Array.from({ length: clients }, client));
  return {
    get requests() {
      return state.requests;
    },
    get failed() {
      return state.failed;
    },
    faults: state.faults,
    async stop() {
      isOver = true;
      await running;
    },
  };
}

/**
 * One request. A connection that was closed while no request was open on it is no failure. The request goes over another one, as every
 * client of HTTP does (RFC 9112, 9.3.1).
 *
 * @returns null: it was answered well
 */
function ask(socketPath: string, agent: Agent): Promise<string | null> {
  return new Promise((resolve) => {
    const asked = request({ socketPath, agent, path: '/' }, (answer) => {
      answer.resume();
      answer.on('end', () => resolve(answer.statusCode === 200 ? null : `status ${answer.statusCode}`));
      answer.on('error', (error) => resolve(error.message));
    });
    asked.on('error', (error: NodeJS.ErrnoException) => {
      const isStale = asked.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
      resolve(isStale ? ask(socketPath, agent) : (error.code ?? error.message));
    });
    asked.end();
  });
}
