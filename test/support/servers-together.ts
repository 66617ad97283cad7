import { copyFileSync, mkdirSync, symlinkSync } from 'node:fs';
import { type ControlServer, startControlServer } from './slipway.ts';

/**
 * Servers on one database, with one master key and one folder of revisions.
 *
 * @param at a folder of its own for each name @param flags of `slipway server`, for all of them
 */
export async function startServersTogether<const Names extends readonly [string, ...string[]]>(
  at: (name: string) => string,
  names: Names,
  databaseUrl: string,
  flags: readonly string[] = [],
): Promise<{ readonly [Place in keyof Names]: ControlServer }> {
  const database = ['--database', databaseUrl, ...flags];
  const first = await startControlServer(at(names[0]), undefined, database);
  const anywhere = { url: 'http://127.0.0.1:0', s3Url: 'http://127.0.0.1:0', env: first.env };
  const servers = [first];
  for (const name of names.slice(1)) {
    mkdirSync(at(name), { mode: 0o700 });
    copyFileSync(`${first.dataDir}/master.key`, `${at(name)}/master.key`);
    symlinkSync(`${first.dataDir}/s3`, `${at(name)}/s3`);
    servers.push(await startControlServer(at(name), anywhere, database));
  }
  return servers as unknown as { readonly [Place in keyof Names]: ControlServer };
}
