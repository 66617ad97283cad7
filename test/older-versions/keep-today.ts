/**
 * Keeps what today's version makes, for every later version to open: `npm run fixtures`. It writes `test/fixtures/databases/step-N`, where N
 * is the newest step of the migrations; what is kept of older steps is never made anew.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { NEWEST_STEP } from '../../src/server/store/migrations.ts';
import { databaseFileOf } from '../../src/server/store/store.ts';
import { postgresClient, postgresCluster } from '../support/postgres.ts';
import { programOptions } from '../support/program-options.ts';
import { scratchFolder } from '../support/scratch.ts';
import { startControlServer } from '../support/slipway.ts';
import { DATABASES } from './kept.ts';
import { liveThrough } from './life.ts';

programOptions('fixtures', {});
const folder = join(DATABASES, `step-${NEWEST_STEP}`);
mkdirSync(folder, { recursive: true });

function keepFolder(dataDir: string, name: string): void {
  execFileSync('tar', [
    '-C',
    dataDir,
    '--exclude=server.lock',
    '--owner=0',
    '--group=0',
    '-czf',
    join(folder, name),
    '.',
  ]);
}

{
  using scratch = scratchFolder();
  const dataDir = scratch.at('data');
  {
    await using server = await startControlServer(dataDir);
    writeFileSync(join(folder, 'sqlite.json'), `${JSON.stringify(await liveThrough(server), null, 2)}\n`);
  }
  using database = new DatabaseSync(databaseFileOf(dataDir));
  database.exec('vacuum; pragma wal_checkpoint(truncate)');
  keepFolder(dataDir, 'sqlite.tgz');
}
{
  using scratch = scratchFolder();
  await using cluster = await postgresCluster();
  const url = await cluster.createDatabase();
  {
    await using server = await startControlServer(scratch.at('data'), undefined, ['--database', url]);
    writeFileSync(join(folder, 'postgres.json'), `${JSON.stringify(await liveThrough(server), null, 2)}\n`);
  }
  keepFolder(scratch.at('data'), 'postgres.tgz');
  const dump = execFileSync(postgresClient('pg_dump'), ['--no-owner', '--no-privileges', '--inserts', url]);
  writeFileSync(join(folder, 'postgres.sql'), dump);
}
process.stdout.write(`kept in ${folder}\n`);
