/**
 * One PostgreSQL for all test files of a run. It starts when the first of them asks, so that a run of files without it need not wait, and it
 * ends with the run. It belongs to vitest's own process: what a worker has started ends with the test file (`leftovers.ts`).
 */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import type { TestProject } from 'vitest/node';
import { type PostgresCluster, postgresCluster, postgresPrograms } from './postgres.ts';
import { scratchFolder } from './scratch.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The socket where a worker learns the address of the run's PostgreSQL. @see sharedPostgres */
    readonly postgresDesk: string;
  }
}

/** Workers have several stores each, and a store holds several connections. */
const CONNECTIONS = 400;

/** Vitest calls this before the first test file. @returns what it calls behind the last one */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const scratch = scratchFolder();
  let starting: Promise<PostgresCluster> | null = null;
  const tell = async (worker: Socket) => {
    worker.on('error', () => worker.destroy());
    try {
      starting ??= postgresCluster({ max_connections: CONNECTIONS });
      worker.end(JSON.stringify({ url: (await starting).url }));
    } catch (error) {
      worker.end(JSON.stringify({ fault: String(error) }));
    }
  };
  const desk = createServer((worker) => void tell(worker)).listen(scratch.at('desk'));
  await once(desk, 'listening');
  // A run that stops early must not wait for the desk.
  desk.unref();
  project.provide('postgresDesk', postgresPrograms === null ? '' : scratch.at('desk'));
  return async () => {
    desk.close();
    const cluster = await starting?.catch(() => null);
    await cluster?.[Symbol.asyncDispose]();
    scratch[Symbol.dispose]();
  };
}
