import { copyFileSync, mkdirSync } from 'node:fs';
import { type ControlServer, startControlServer } from './slipway.ts';

/** Two servers on one database; the second has the master key of the first and uses its store. */
export async function startServerPair(
  at: (name: string) => string,
  databaseUrl: string,
): Promise<readonly [ControlServer, ControlServer]> {
  const database = ['--database', databaseUrl];
  const one = await startControlServer(at('one'), undefined, database);
  mkdirSync(at('two'), { mode: 0o700 });
  copyFileSync(`${at('one')}/master.key`, `${at('two')}/master.key`);
  const anywhere = { url: 'http://127.0.0.1:0', s3Url: 'http://127.0.0.1:0', env: one.env };
  const two = await startControlServer(at('two'), anywhere, [...database, '--public-s3-endpoint', one.s3Url]);
  return [one, two];
}
