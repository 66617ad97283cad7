import { mkdirSync } from 'node:fs';
import { Kysely, sql } from 'kysely';
import { expect, test } from 'vitest';
import { silentLogger } from '../../../src/logging/logger.ts';
import { findDeployment } from '../../../src/server/store/deployments.ts';
import { listTaggedNames } from '../../../src/server/store/instance-tags.ts';
import { migrate } from '../../../src/server/store/migrations.ts';
import { postgresDialect } from '../../../src/server/store/postgres-dialect.ts';
import type { StoreSchema } from '../../../src/server/store/schema.ts';
import { sqliteDialect } from '../../../src/server/store/sqlite-dialect.ts';
import { databaseFileOf, type StoreLocation } from '../../../src/server/store/store.ts';
import { systemClock } from '../../../src/system/clock.ts';
import { describeStores } from '../../support/stores.ts';

describeStores('migrations', (kind) => {
  test('opening a database again changes nothing', async () => {
    await using database = await kind.createWithoutTables();
    const first = await database.open();
    await first.db.insertInto('secrets').values({ name: 'kept', value_sealed: '' }).execute();
    const steps = await stepsOf(first.db);
    await first.close();
    const second = await database.open();
    expect(await stepsOf(second.db)).toEqual(steps);
    expect(await second.db.selectFrom('secrets').select('name').execute()).toEqual([{ name: 'kept' }]);
  });

  test('a database of the first version keeps its deployments, none of which was a restart', async () => {
    await using database = await kind.createWithoutTables();
    await makeOld(database.location, 1, [
      `insert into applications (application_id, application_name, compute_platform, created_at_ms) values ('a', 'app', 'Server', 0)`,
      `insert into deployments (deployment_id, application_id, application_name, deployment_group_id, deployment_group_name,
        deployment_config_name, minimum_type, minimum_value, status, revision_json, creator, file_exists_behavior,
        ignore_application_stop_failures, update_outdated_instances_only, options_json, created_at_ms)
        values ('d-OLD', 'a', 'app', 'g', 'fleet', 'c', 'HOST_COUNT', 0, 'Created', '{}', 'user', 'DISALLOW', 0, 0, '{}', 0)`,
    ]);
    const { db } = await database.open();
    expect(await findDeployment(db, 'd-OLD')).toMatchObject({ deployment_id: 'd-OLD', restart_of: null });
  });

  test('tags of an older database are listed by the names of their instances, those of records are gone', async () => {
    await using database = await kind.createWithoutTables();
    const instance = (name: string, deregisteredAtMs: number | null) =>
      `insert into instances (instance_id, instance_name, instance_arn, arn_kind, host_arn, registered_at_ms, deregistered_at_ms)
        values ('id-${name}', '${name}', '${name}', 'user', '${name}', 0, ${deregisteredAtMs})`;
    const tag = (name: string) =>
      `insert into instance_tags (instance_id, tag_key, tag_value) values ('id-${name}', 'in', 'fleet')`;
    await makeOld(database.location, 4, [instance('here', null), tag('here'), instance('gone', 1), tag('gone')]);
    const { db } = await database.open();
    const filters = [{ Key: 'in', Value: 'fleet' }];
    expect(await listTaggedNames(db, filters, { after: '', limit: 10 })).toEqual(['here']);
  });

  test('processes that open a new database at the same time make its tables once', async () => {
    await using database = await kind.createWithoutTables();
    // One process's SQLite cannot wait for itself; the others come right behind.
    const stores =
      kind.dialect === 'postgres'
        ? await Promise.all([1, 2, 3, 4].map(() => database.open()))
        : [await database.open(), await database.open()];
    for (const { db } of stores) expect(await db.selectFrom('deployments').selectAll().execute()).toEqual([]);
  });

  test('a database that a newer version has made is refused, and left as it is', async () => {
    await using database = await kind.createWithoutTables();
    const store = await database.open();
    const steps = await stepsOf(store.db);
    await sql`insert into slipway_migrations (step) values (99)`.execute(store.db);
    await expect(database.open()).rejects.toMatchObject({
      code: 'SERVER_DATABASE_NEWER',
      message: expect.stringContaining('99'),
    });
    expect(await stepsOf(store.db)).toEqual([...steps, 99]);
  });
});

async function stepsOf(db: Kysely<StoreSchema>): Promise<number[]> {
  const { rows } = await sql<{ step: number }>`select step from slipway_migrations order by step`.execute(db);
  return rows.map(({ step }) => step);
}

/** Makes a database as the version with this many steps did, with these rows in it. */
async function makeOld(location: StoreLocation, lastStep: number, statements: readonly string[]): Promise<void> {
  const isPostgres = 'databaseUrl' in location;
  if (!isPostgres) mkdirSync(location.dataDir, { recursive: true });
  const dialect = isPostgres
    ? (await postgresDialect(location.databaseUrl, { clock: systemClock, log: silentLogger })).dialect
    : sqliteDialect(databaseFileOf(location.dataDir));
  const db = new Kysely<StoreSchema>({ dialect });
  try {
    await migrate(db, { dialect: isPostgres ? 'postgres' : 'sqlite', place: 'a database', lastStep });
    for (const statement of statements) await sql.raw(statement).execute(db);
  } finally {
    await db.destroy();
  }
}
