/**
 * The tests that start a server, on a PostgreSQL of their own: `npm run test:postgres`. Arguments go to vitest; file names among them choose
 * tests, as `npm test` has it. Tests of the store name their databases themselves and run on both with `npm test`.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { outliveReaders } from '../../packaging/closed-pipe.ts';
import { postgresCluster, postgresPrograms } from '../support/postgres.ts';
import { SUITE_POSTGRES } from '../support/suite-database.ts';
import { filesOfServers } from './files-of-servers.ts';

/** Each server holds some connections, and the tests of three workers have several servers. */
const CONNECTIONS = 400;

if (postgresPrograms === null) {
  process.stderr.write(
    'PostgreSQL (initdb and postgres) is not installed; Debian has it as `apt-get install postgresql`\n',
  );
  process.exitCode = 1;
} else {
  await using cluster = await postgresCluster({ max_connections: CONNECTIONS });
  outliveReaders();
  const { positionals } = parseArgs({ strict: false, allowPositionals: true });
  const chosen = positionals.length > 0 ? [] : filesOfServers();
  const vitest = spawn('vitest', ['run', ...process.argv.slice(2), ...chosen], {
    stdio: 'inherit',
    env: { ...process.env, [SUITE_POSTGRES]: cluster.url },
  });
  // The terminal's Ctrl-C reaches vitest, too; this process ends behind it.
  process.on('SIGINT', () => undefined);
  const [status] = (await once(vitest, 'exit')) as [number | null];
  process.exitCode = status ?? 1;
}
