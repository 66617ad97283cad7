/**
 * Data folders of new servers. Their migrations and the key of their signing authority take half a second of processor time, and tests start
 * hundreds of servers. So a process makes one folder, and each new server gets a copy. Tests of the first start itself make their own.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openSealer } from '../../src/server/secrets/open-sealer.ts';
import { openSigning } from '../../src/server/secrets/signing.ts';
import { openStore } from '../../src/server/store/store.ts';
import { systemClock } from '../../src/system/clock.ts';
import { systemRandom } from '../../src/system/random.ts';
import { scratchFolder } from './scratch.ts';

const NAMES = ['slipway.db', 'master.key'];

/** Files of a data folder, by their names. */
type Contents = ReadonlyMap<string, Buffer>;

let emptyDatabase: Promise<Contents> | null = null;
let newServer: Promise<Contents> | null = null;

/** Puts an embedded database there that has its tables and no rows but those of a new one. */
export async function putEmptyDatabase(dataDir: string): Promise<void> {
  emptyDatabase ??= contentsOf(async () => undefined);
  put(dataDir, await emptyDatabase);
}

/** Makes the folder as a server without keys and without hosts has it, with its master key and its signing authority. A server's folder stays as it is. */
export async function putNewServer(dataDir: string): Promise<void> {
  if (NAMES.some((name) => existsSync(join(dataDir, name)))) return;
  newServer ??= contentsOf(async (folder) => {
    const store = await openStore({ dataDir: folder });
    const base = { store, dataDir: folder, random: systemRandom };
    const { sealer } = await openSealer(base);
    await openSigning({ ...base, sealer, clock: systemClock });
    await store.close();
  });
  put(dataDir, await newServer);
}

async function contentsOf(fill: (dataDir: string) => Promise<void>): Promise<Contents> {
  using scratch = scratchFolder();
  const dataDir = scratch.at('data');
  await (await openStore({ dataDir })).close();
  await fill(dataDir);
  const names = NAMES.filter((name) => existsSync(join(dataDir, name)));
  return new Map(names.map((name) => [name, readFileSync(join(dataDir, name))]));
}

function put(dataDir: string, contents: Contents): void {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  for (const [name, content] of contents) writeFileSync(join(dataDir, name), content, { mode: 0o600 });
}
