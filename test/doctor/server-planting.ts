/** Tools that plant faults of servers. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openSealer } from '../../src/server/secrets/open-sealer.ts';
import { openStore } from '../../src/server/store/store.ts';
import { systemRandom } from '../../src/system/random.ts';
import { startControlServer, startDaemon } from '../support/slipway.ts';
import type { Ground, Question } from './fault.ts';
import { deadPort } from './planting.ts';

/** Asks the server's doctor about a data folder. @param args more flags of it */
export function askServerDoctor(
  dataDir: string,
  question: Omit<Question, 'args'>,
  args: readonly string[] = [],
): Question {
  return { args: ['server', 'doctor', '--json', '--data-dir', dataDir, ...args], ...question };
}

/** A data folder in which a server has worked. */
export async function usedDataDir(ground: Ground, dataDir = join(ground.folder, 'data')): Promise<string> {
  await using _server = await startControlServer(dataDir);
  return dataDir;
}

/** Puts the master key of a server that has never run anywhere else; those that tests start share one. @returns its file */
export async function strangeMasterKey(ground: Ground): Promise<string> {
  const dataDir = join(ground.folder, 'other');
  const store = await openStore({ dataDir });
  await openSealer({ store, dataDir, random: systemRandom });
  await store.close();
  return join(dataDir, 'master.key');
}

/** A server with ports of its own that are known, as a real one has them. @returns its data folder and its ports */
export async function serverOnPorts(ground: Ground, args: readonly string[] = []) {
  const [port, s3Port] = [await deadPort(), await deadPort()];
  const dataDir = join(ground.folder, 'data');
  const listen = ['--listen', `127.0.0.1:${port}`, '--s3-listen', `127.0.0.1:${s3Port}`];
  const words = ['server', '--data-dir', dataDir, ...listen, ...args];
  const daemon = ground.after.use(startDaemon(words, { stderrFile: join(ground.folder, 'server.log') }));
  if (!(await daemon.firstLine).includes('API on')) throw new Error(daemon.log());
  return { dataDir, port, s3Port, daemon };
}

/** A server that works in the database holds the right to write for milliseconds. */
const BUSY_WAIT_MS = 5_000;

/** Changes a database in which no server works, or beside it. */
export function changeDatabase(dataDir: string, ...statements: readonly string[]): void {
  using database = new DatabaseSync(join(dataDir, 'slipway.db'), { timeout: BUSY_WAIT_MS });
  for (const statement of statements) database.exec(statement);
}

/** A host in the database, with times relative to now, milliseconds. */
export function hostRow(name: string, lastPollMs: number | null, sharedMs: number | null = null): string {
  const at = (ms: number | null) => (ms === null ? 'null' : String(Date.now() + ms));
  const arn = `arn:aws:iam::000000000000:user/slipway/${name}`;
  return `insert into instances (instance_id, instance_name, instance_arn, arn_kind, host_arn, registered_at_ms, last_polled_at_ms, identity_shared_at_ms)
    values ('${name}', '${name}', '${arn}', 'user', '${arn}', 1, ${at(lastPollMs)}, ${at(sharedMs)})`;
}

/** Starts a process that runs a script of Node until the question was asked. The process has done its work when it prints a line. */
export async function processDoing(ground: Ground, script: string): Promise<number> {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  ground.after.defer(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  await once(child.stdout, 'data');
  return child.pid ?? 0;
}
