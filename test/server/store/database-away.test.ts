import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { silentLogger } from '../../../src/logging/logger.ts';
import { openStore } from '../../../src/server/store/store.ts';
import { eventually } from '../../support/eventually.ts';
import { describeIf } from '../../support/needs.ts';
import { postgresCluster, postgresPrograms } from '../../support/postgres.ts';
import { scratchFolder } from '../../support/scratch.ts';

const secret = (name: string) => ({ name, value_sealed: 'x' });

describeIf(postgresPrograms !== null, 'PostgreSQL, initdb and postgres')('a PostgreSQL that goes away', () => {
  test('a backend that is ended in the middle of a transaction ends neither the process nor the transaction', async () => {
    await using cluster = await postgresCluster();
    const databaseUrl = await cluster.createDatabase();
    const store = await openStore({ databaseUrl });
    try {
      let runs = 0;
      await store.transaction(async (tx) => {
        runs += 1;
        await tx.insertInto('secrets').values(secret('a')).execute();
        if (runs === 1) await cluster.breakConnections(databaseUrl);
        await tx.insertInto('secrets').values(secret('b')).execute();
      });
      expect(runs).toBe(2);
      expect(await store.db.selectFrom('secrets').select('name').orderBy('name').execute()).toEqual([
        { name: 'a' },
        { name: 'b' },
      ]);
    } finally {
      await store.close();
    }
  });

  test('a transaction whose backend ends when its work is done fails as away, and is not run again', async () => {
    await using cluster = await postgresCluster();
    const databaseUrl = await cluster.createDatabase();
    const store = await openStore({ databaseUrl });
    try {
      let runs = 0;
      const running = store.transaction(async (tx) => {
        runs += 1;
        await tx.insertInto('secrets').values(secret('a')).execute();
        await cluster.breakConnections(databaseUrl);
      });
      await expect(running).rejects.toMatchObject({ code: 'SERVER_DATABASE_AWAY' });
      expect(runs).toBe(1);
    } finally {
      await store.close();
    }
  });

  test('an error of the work itself is told even when the connection breaks at the same time', async () => {
    await using cluster = await postgresCluster();
    const databaseUrl = await cluster.createDatabase();
    const store = await openStore({ databaseUrl });
    try {
      const running = store.transaction(async () => {
        await cluster.breakConnections(databaseUrl);
        throw new Error('changed my mind');
      });
      await expect(running).rejects.toThrow('changed my mind');
    } finally {
      await store.close();
    }
  });

  test.each(['fast', 'immediate'] as const)(
    'after a stop (%s) and a start, reads and transactions that came meanwhile succeed',
    async (mode) => {
      await using cluster = await postgresCluster();
      const said: string[] = [];
      const log = { ...silentLogger, warn: (text: string) => said.push(text), info: (text: string) => said.push(text) };
      const store = await openStore({ databaseUrl: await cluster.createDatabase() }, log);
      try {
        await store.db.selectFrom('secrets').selectAll().execute();
        await cluster.stop(mode);
        const reads = Array.from({ length: 20 }, () => store.db.selectFrom('secrets').selectAll().execute());
        const writes = Array.from({ length: 20 }, (_, index) =>
          store.transaction((tx) =>
            tx
              .insertInto('secrets')
              .values(secret(`n${index}`))
              .execute(),
          ),
        );
        await cluster.start();
        await Promise.all([...reads, ...writes]);
        expect(await store.db.selectFrom('secrets').select('name').execute()).toHaveLength(20);
        expect(said.map((text) => text.split(';')[0])).toEqual(['the database is down', 'the database is back']);
      } finally {
        await store.close();
      }
    },
  );

  test('a stop for long fails everything as away within seconds, at once after that, and the store comes back by itself', async () => {
    await using cluster = await postgresCluster();
    const store = await openStore({ databaseUrl: await cluster.createDatabase() });
    try {
      await cluster.stop();
      const look = () => store.db.selectFrom('secrets').selectAll().execute();
      const startedMs = performance.now();
      await expect(look()).rejects.toMatchObject({ code: 'SERVER_DATABASE_AWAY' });
      expect(performance.now() - startedMs).toBeLessThan(20_000);
      const secondMs = performance.now();
      await expect(look()).rejects.toMatchObject({ code: 'SERVER_DATABASE_AWAY' });
      // The first one has waited for five seconds.
      expect(performance.now() - secondMs).toBeLessThan(3_000);
      await cluster.start();
      await eventually(async () => (await look().catch(() => null))?.length === 0);
    } finally {
      await store.close();
    }
  });

  test('a store closes also while its database is down', async () => {
    await using cluster = await postgresCluster();
    const store = await openStore({ databaseUrl: await cluster.createDatabase() });
    await cluster.stop();
    const look = store.db.selectFrom('secrets').selectAll().execute();
    look.catch(() => undefined);
    await store.close();
    await expect(look).rejects.toThrow();
  });
});

/** A process of its own that holds the right to write until its standard input ends. */
async function holdLock(file: string): Promise<{ letGo(): Promise<void> }> {
  const program = `
    const { DatabaseSync } = require('node:sqlite');
    const database = new DatabaseSync(process.argv[1]);
    database.exec('begin immediate');
    console.log('held');
    process.stdin.resume().on('end', () => { database.exec('rollback'); process.exit(0); });
  `;
  const holder = spawn(process.execPath, ['-e', program, file], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(holder, 'exit');
  await once(holder.stdout, 'data');
  return {
    async letGo() {
      holder.stdin.end();
      await ended;
    },
  };
}

describe('an SQLite database that cannot be written', () => {
  test('a lock that another process holds is waited for without holding up the process, and then told of as away', async () => {
    using scratch = scratchFolder();
    const store = await openStore({ dataDir: scratch.path });
    const holder = await holdLock(scratch.at('slipway.db'));
    try {
      let ticks = 0;
      const timer = setInterval(() => (ticks += 1), 50);
      const write = (name: string, durability: 'synced' | 'lazy' = 'synced') =>
        store.transaction((tx) => tx.insertInto('secrets').values(secret(name)).execute(), durability);
      const startedMs = performance.now();
      const results = await Promise.allSettled(
        Array.from({ length: 10 }, (_, index) => write(`n${index}`, index < 5 ? 'synced' : 'lazy')),
      );
      clearInterval(timer);
      expect(results.map((result) => result.status === 'rejected' && result.reason.code)).toEqual(
        Array.from({ length: 10 }, () => 'SERVER_DATABASE_AWAY'),
      );
      expect(performance.now() - startedMs).toBeLessThan(20_000);
      expect(ticks).toBeGreaterThan(20);
      await holder.letGo();
      await write('after');
    } finally {
      await holder.letGo();
      await store.close();
    }
  });

  test('a lock that is let go soon goes unnoticed', async () => {
    using scratch = scratchFolder();
    const store = await openStore({ dataDir: scratch.path });
    const holder = await holdLock(scratch.at('slipway.db'));
    try {
      const written = store.db.insertInto('secrets').values(secret('a')).execute();
      await holder.letGo();
      await written;
    } finally {
      await store.close();
    }
  });

  test('a full database fails a transaction as away and keeps nothing of it, and takes the next one when there is room', async () => {
    using scratch = scratchFolder();
    const store = await openStore({ dataDir: scratch.path });
    try {
      const { page_count: pages } = (await sql<{ page_count: number }>`pragma page_count`.execute(store.db))
        .rows[0] ?? { page_count: 0 };
      await sql.raw(`pragma max_page_count = ${pages}`).execute(store.db);
      const large = { name: 'large', value_sealed: 'x'.repeat(1_000_000) };
      const write = () =>
        store.transaction(async (tx) => {
          await tx.insertInto('secrets').values(secret('small')).execute();
          await tx.insertInto('secrets').values(large).execute();
        });
      await expect(write()).rejects.toMatchObject({ code: 'SERVER_DATABASE_AWAY' });
      expect(await store.db.selectFrom('secrets').selectAll().execute()).toEqual([]);
      await sql.raw('pragma max_page_count = 1000000').execute(store.db);
      await write();
    } finally {
      await store.close();
    }
  });
});
