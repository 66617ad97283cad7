import { join } from 'node:path';
import pg from 'pg';
import { type PostgresCluster, postgresCluster, postgresPrograms } from '../support/postgres.ts';
import { startControlServer } from '../support/slipway.ts';
import type { Fault, Ground } from './fault.ts';
import { deadPort } from './planting.ts';
import { askServerDoctor } from './server-planting.ts';

const missing = postgresPrograms === null ? 'PostgreSQL is not installed' : null;

/** The PostgreSQL database of a server. */
export const POSTGRES_FAULTS: readonly Fault[] = [
  {
    name: 'The PostgreSQL of a server does not run',
    async plant(ground) {
      const url = `postgres://slipway:secret@127.0.0.1:${await deadPort()}/slipway`;
      return ask(ground, url, {
        detail: /^postgres:\/\/slipway@127/,
        remedy: /Nothing listens there: start PostgreSQL/,
      });
    },
  },
  {
    name: 'The PostgreSQL of a server was stopped, and its socket is gone',
    missing,
    async plant(ground) {
      const cluster = ground.after.use(await postgresCluster());
      const url = await cluster.createDatabase();
      await cluster.stop();
      return ask(ground, url, { remedy: /No PostgreSQL has its socket in/ });
    },
  },
  {
    name: 'The password of PostgreSQL is another one than the server has',
    missing,
    async plant(ground) {
      const cluster = ground.after.use(await postgresCluster());
      const url = await cluster.createDatabase();
      await demandPasswords(url);
      const wrong = new URL(url);
      wrong.password = 'wrong';
      return ask(ground, wrong.href, { remedy: /password in --database .* is not that of slipway/ });
    },
  },
  {
    name: 'PostgreSQL asks for a password and the server has none',
    missing,
    async plant(ground) {
      const cluster = ground.after.use(await postgresCluster());
      const url = await cluster.createDatabase();
      await demandPasswords(url);
      return ask(ground, url, { remedy: /has none for slipway/ });
    },
  },
  {
    name: 'PostgreSQL has no connection left for the server',
    missing,
    async plant(ground) {
      const cluster = ground.after.use(await postgresCluster());
      const url = await cluster.createDatabase();
      await run(url, 'create role crowded login connection limit 0');
      return ask(ground, asUser(url, 'crowded'), { remedy: /max_connections/ });
    },
  },
  {
    name: 'The database of a server does not exist in PostgreSQL',
    missing,
    async plant(ground) {
      const cluster = ground.after.use(await postgresCluster());
      const url = new URL(await cluster.createDatabase());
      url.pathname = '/elsewhere';
      return ask(ground, url.href, { remedy: /createdb --owner slipway elsewhere/ });
    },
  },
  {
    name: 'The user of a server may not make tables in PostgreSQL',
    missing,
    async plant(ground) {
      const cluster = ground.after.use(await postgresCluster());
      const url = await cluster.createDatabase();
      await run(url, 'create role guest login');
      return ask(ground, asUser(url, 'guest'), { remedy: /GRANT CREATE, USAGE ON SCHEMA public TO guest/ });
    },
  },
  {
    name: 'The PostgreSQL database of a server was made by a newer version',
    missing,
    async plant(ground) {
      const { url } = await usedDatabase(ground);
      await run(url, 'insert into slipway_migrations (step) values (99)');
      return ask(ground, url, { detail: /newer/, remedy: /Install the newer version/ });
    },
  },
  {
    name: 'The master key is not the one that the PostgreSQL database was sealed with',
    missing,
    async plant(ground) {
      const { url } = await usedDatabase(ground);
      const other = join(ground.folder, 'other');
      await using _other = await startControlServer(other);
      return askServerDoctor(other, { finds: 'master key', remedy: /another server of this database/ }, [
        '--database',
        url,
      ]);
    },
  },
];

function ask(ground: Ground, url: string, question: Omit<Parameters<typeof askServerDoctor>[1], 'finds'>) {
  return askServerDoctor(join(ground.folder, 'data'), { finds: 'database', ...question }, ['--database', url]);
}

/** A database in which a server has worked. */
async function usedDatabase(ground: Ground): Promise<{ readonly url: string; readonly cluster: PostgresCluster }> {
  const cluster = ground.after.use(await postgresCluster());
  const url = await cluster.createDatabase();
  await using _server = await startControlServer(join(ground.folder, 'data'), undefined, ['--database', url]);
  return { url, cluster };
}

async function demandPasswords(url: string): Promise<void> {
  await run(
    url,
    `alter role slipway password 'right';
    do $$ begin
      execute format('copy (select %L) to %L', 'local all all scram-sha-256', current_setting('hba_file'));
    end $$;
    select pg_reload_conf()`,
  );
}

function asUser(url: string, user: string): string {
  const parsed = new URL(url);
  parsed.username = user;
  return parsed.href;
}

async function run(url: string, text: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(text);
  } finally {
    await client.end();
  }
}
