import { Socket } from 'node:net';
import pg from 'pg';
import { expect, test } from 'vitest';
import { silentLogger } from '../../../src/logging/logger.ts';
import { sturdyPool } from '../../../src/server/store/postgres-pool.ts';
import { createAsk } from '../../../src/server/store/postgres-query.ts';
import { systemClock } from '../../../src/system/clock.ts';
import { describeIf } from '../../support/needs.ts';
import { postgresPrograms } from '../../support/postgres.ts';
import { sharedDatabases } from '../../support/shared-databases.ts';

const databases = sharedDatabases();

/** A connection that counts how often the kernel is given something to send. */
class CountingSocket extends Socket {
  writes = 0;

  override _write(...args: Parameters<Socket['_write']>): void {
    this.writes += 1;
    super._write(...args);
  }

  override _writev(...args: Parameters<NonNullable<Socket['_writev']>>): void {
    this.writes += 1;
    super._writev?.(...args);
  }
}

describeIf(postgresPrograms !== null, 'PostgreSQL, initdb and postgres')('a connection to PostgreSQL', () => {
  test('sends all statements of a transaction that are asked for at once in one write, in their order', async () => {
    const connectionString = await databases.take();
    const socket = new CountingSocket();
    const pool = sturdyPool(new pg.Pool({ connectionString, max: 1, pipeline: true, stream: () => socket }), {
      ask: createAsk(pg.Query),
      clock: systemClock,
      log: silentLogger,
    });
    const client = await pool.connect();
    const query = (sql: string) => client.query(sql, []) as Promise<{ readonly rows: readonly unknown[] }>;
    // The settings of a new connection are on their way until this is answered.
    await query('select 0');
    await query('begin');
    const before = socket.writes;
    const answers = await Promise.all([query('select 1 as one'), query('select 2 as two'), query('select 3 as three')]);
    expect(socket.writes - before).toBe(1);
    expect(answers.map(({ rows }) => rows)).toEqual([[{ one: 1 }], [{ two: 2 }], [{ three: 3 }]]);
    await expect(Promise.all([query('select 4 as four'), query('select nothing')])).rejects.toMatchObject({
      code: '42703',
    });
    await query('rollback');
    expect(await query('select 5 as five')).toMatchObject({ rows: [{ five: 5 }] });
    client.release();
    await pool.end();
    await databases.giveBack(connectionString);
  });
});
